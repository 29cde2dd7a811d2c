// The model as files for other programs: a zip for each format, made in the background and downloaded here.

import { call, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { megabytes } from "../../words.js";
import { notice } from "../../parts/notices.js";

const ASKED_AGAIN_MILLISECONDS = 1000;
const EXPORTING = "EXPORT_STATE_EXPORTING";
const DONE = "EXPORT_STATE_DONE";
const PREFIX = "EXPORT_FORMAT_";
/** @type {Record<string, { name: string, help: string }>} */
const FORMATS = {
  EXPORT_FORMAT_KERAS: { name: "Keras", help: "Keras' own file, to go on working with the model in Python." },
  EXPORT_FORMAT_SAVED_MODEL: { name: "TensorFlow SavedModel", help: "A folder that TensorFlow and TensorFlow Serving run." },
  EXPORT_FORMAT_LITERT: { name: "LiteRT", help: "Was TensorFlow Lite: for phones and small devices, as accurate as here." },
  EXPORT_FORMAT_LITERT_FLOAT16: { name: "LiteRT float16", help: "Half as large; probabilities may differ by up to two points." },
  EXPORT_FORMAT_ONNX: { name: "ONNX", help: "Runs nearly everywhere: Windows, Linux, browsers, .NET, Java, C++." },
  EXPORT_FORMAT_OPENVINO: { name: "OpenVINO", help: "The fastest on Intel processors; what this suite itself runs." },
};

/** @param {any} iteration @param {AbortSignal} signal ends asking how far exports are */
export function exports(iteration, signal) {
  const rows = new Map(Object.keys(FORMATS).map((format) => [format, new Row(iteration, format, () => follow())]));
  let isFollowing = false;
  const follow = async () => {
    if (isFollowing) return;
    isFollowing = true;
    try {
      while (!signal.aborted && (await refresh(iteration, rows))) {
        await new Promise((resolve) => setTimeout(resolve, ASKED_AGAIN_MILLISECONDS));
      }
    } finally {
      isFollowing = false;
    }
  };
  follow();
  return element(
    "section",
    { class: "card", "aria-labelledby": "exports-title" },
    element("h2", { id: "exports-title" }, "Export"),
    element("p", {}, "A zip with the model, its labels, a program that runs it on a photo, and how close it comes to the answers given here. It is kept for a day."),
    element("ul", { class: "exports" }, ...[...rows.values()].map((row) => row.element)),
  );
}

/** Asks for all exports; returns whether it is to be asked again: one is being made, or it cannot be asked now. @param {any} iteration @param {Map<string, Row>} rows */
async function refresh({ projectId, iterationId }, rows) {
  let listed;
  try {
    listed = await call("training", "ListExports", { projectId, iterationId });
  } catch (error) {
    // Exports go on meanwhile, and are seen once the service is there again.
    if (error instanceof CallError && error.code === "UNAVAILABLE") return true;
    throw error;
  }
  for (const each of listed.exports) rows.get(each.format)?.show(each);
  return listed.exports.some((/** @type {any} */ each) => each.state === EXPORTING);
}

class Row {
  /** @param {any} iteration @param {string} format @param {() => void} onStart */
  constructor(iteration, format, onStart) {
    this._iteration = iteration;
    this._format = format;
    this._onStart = onStart;
    this._state = "";
    this._place = element("div", { class: "export-state", role: "status" });
    const { name, help } = FORMATS[format];
    this.element = element("li", {}, element("div", {}, element("strong", {}, name), element("span", { class: "help" }, help)), this._place);
    this._offer();
  }

  /** @param {any} told an Export */
  show({ state, sizeBytes, failureReason }) {
    if (state === this._state) return;
    const { name } = FORMATS[this._format];
    if (state === EXPORTING) this._place.replaceChildren(element("progress", { "aria-label": `${name} is being made` }), element("span", {}, "is being made"));
    else if (state === DONE) {
      if (this._state === EXPORTING) notice(`The export as ${name} is ready.`);
      this._place.replaceChildren(element("a", { class: "download", href: this._path(), download: true }, `Download ${name} (${megabytes(sizeBytes)})`));
    } else {
      this._offer("Try again");
      this._place.prepend(element("span", { class: "problem" }, failureReason));
    }
    this._state = state;
  }

  _offer(text = "Export") {
    const { name } = FORMATS[this._format];
    const button = element("button", { type: "button", "aria-label": `${text}: ${name}`, onclick: () => this._start(button) }, text);
    this._place.replaceChildren(button);
  }

  /** @param {HTMLButtonElement} button */
  async _start(button) {
    const { projectId, iterationId } = this._iteration;
    button.disabled = true;
    try {
      this.show(await call("training", "StartExport", { projectId, iterationId, format: this._format }));
      this._onStart();
    } finally {
      button.disabled = false;
    }
  }

  _path() {
    const { projectId, iterationId } = this._iteration;
    const file = this._format.slice(PREFIX.length).toLowerCase().replaceAll("_", "-");
    return `/page/projects/${projectId}/iterations/${iterationId}/exports/${file}.zip`;
  }
}
