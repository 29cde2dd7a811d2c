// How to ask a published model, ready to paste.

import { element } from "../../dom.js";
import { notice } from "../../parts/notices.js";

/** @param {any} project @param {any[]} iterations @returns {Promise<HTMLElement>} */
export async function predictionCalls(project, iterations) {
  const published = iterations.filter(({ publishName }) => publishName);
  const box = element("div", { class: "card" }, element("h2", {}, "Ask the model"));
  if (!published.length) {
    box.append(element("p", {}, "No iteration is published yet. Once one is, the calls that ask it are shown here."));
    return box;
  }
  const { predictionAddress } = await (await fetch("/page/addresses")).json();
  const [{ publishName }] = published;
  const calls = callsOf(project.projectId, publishName, predictionAddress);
  box.append(element("p", {}, "`customvision keys` shows the prediction key."), ...calls.map(snippet));
  return box;
}

/** @param {string} projectId @param {string} name @param {string} address */
function callsOf(projectId, name, address) {
  const url = `${location.origin}/customvision/v3.1/prediction/${projectId}/classify/iterations/${encodeURIComponent(name)}/image`;
  const request = JSON.stringify({ projectId, publishName: name, imageData: "BASE64" });
  return [
    {
      title: "curl",
      text: [
        `curl '${url}' \\`,
        '  -H "Prediction-Key: $PREDICTION_KEY" -H "Content-Type: application/octet-stream" \\',
        "  --data-binary @photo.jpg",
      ].join("\n"),
    },
    {
      title: "Python",
      text: [
        "from pathlib import Path",
        "from customvision.client import Client",
        "",
        "with Client() as client:",
        `    answer = client.predict("${projectId}", Path("photo.jpg"), publish_name=${JSON.stringify(name)})`,
        "    print(answer.predictions[0].tag_name, answer.predictions[0].probability)",
      ].join("\n"),
    },
    {
      title: "gRPC",
      text: [
        `echo '${request.replaceAll("'", "'\\''")}' | sed "s|BASE64|$(base64 -w0 photo.jpg)|" |`,
        `  grpcurl -plaintext -H "prediction-key: $PREDICTION_KEY" -d @ ${address} customvision.v1.PredictionService/Predict`,
      ].join("\n"),
    },
  ];
}

/** @param {{ title: string, text: string }} call */
function snippet({ title, text }) {
  const copy = element("button", { type: "button", class: "quiet", "aria-label": `Copy the call for ${title}`, onclick: () => copied(text) }, "Copy");
  return element("div", { class: "snippet" }, element("div", { class: "title-row" }, element("h3", {}, title), copy), element("pre", { tabindex: 0 }, element("code", {}, text)));
}

/** @param {string} text */
async function copied(text) {
  // Browsers allow it on loopback and over TLS alone.
  if (!navigator.clipboard) return notice("This browser copies only over TLS; select the text and copy it.", { isError: true });
  await navigator.clipboard.writeText(text);
  return notice("Copied.");
}
