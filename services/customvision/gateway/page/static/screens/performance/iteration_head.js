// What an iteration is: its name, what it was made from, what its training warned of; renaming and deleting it.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { show } from "../../router.js";
import { counted, time } from "../../words.js";
import { openDialog } from "../../parts/dialog.js";
import { COMPLETED, trainingType } from "./iteration_list.js";
import { notice } from "../../parts/notices.js";

const WEIGHTS = /** @type {Record<string, string>} */ ({
  WEIGHTS_SOURCE_PATH: "weights from the file in the settings",
  WEIGHTS_SOURCE_DATA_FOLDER: "weights from the data folder",
  WEIGHTS_SOURCE_KERAS_DOWNLOAD: "ImageNet weights that Keras downloaded",
  WEIGHTS_SOURCE_RANDOM: "random weights",
  WEIGHTS_SOURCE_BUILT_IN: "the built-in weights",
});

/** @param {any} iteration @param {() => Promise<void>} onChange @returns {HTMLElement} */
export function iterationHead(iteration, onChange) {
  const facts = [`${trainingType(iteration)} training`, time(iteration.endTime ?? iteration.createTime), counted(iteration.imageCount, "image")];
  return element(
    "div",
    { class: "iteration-head" },
    element(
      "div",
      { class: "title-row" },
      element("h2", { dir: "auto", tabindex: -1 }, iteration.name),
      element(
        "div",
        { class: "inline-buttons" },
        element("button", { type: "button", onclick: () => askForName(iteration, onChange) }, "Rename…"),
        element("button", { type: "button", onclick: () => askToDelete(iteration) }, "Delete…"),
      ),
    ),
    element("p", { class: "facts" }, facts.join(" · ")),
    element("p", { class: "facts" }, state(iteration)),
    iteration.warnings.length > 0 && warnings(iteration.warnings),
  );
}

/** @param {any} iteration */
function state(iteration) {
  const { backbone, fineTuned } = iteration;
  if (iteration.status === "ITERATION_STATUS_FAILED") return `Its training failed: ${iteration.failureReason}`;
  if (iteration.status === "ITERATION_STATUS_CANCELLED") return "Its training was cancelled; there is no model.";
  if (iteration.status !== COMPLETED) return "Its training is not over yet.";
  const network = `${backbone?.architecture ?? "an unknown network"} with ${WEIGHTS[backbone?.weightsSource] ?? "weights of unknown origin"}`;
  return fineTuned ? `Rests on ${network}, fine-tuned on this project's images.` : `Rests on ${network}.`;
}

/** @param {string[]} sentences */
function warnings(sentences) {
  const items = sentences.map((sentence) => element("li", { dir: "auto" }, sentence));
  return element("div", { class: "warnings" }, element("h3", {}, sentences.length > 1 ? "Warnings" : "Warning"), element("ul", {}, ...items));
}

/** @param {any} iteration @param {() => Promise<void>} onChange */
function askForName({ projectId, iterationId, name }, onChange) {
  openDialog({
    title: "Rename the iteration",
    content: [
      element("label", { for: "iteration-name" }, "Name"),
      element("input", { id: "iteration-name", name: "name", value: name, required: true, maxlength: 128, autocomplete: "off", dir: "auto" }),
    ],
    action: "Rename",
    submit: async (fields) => {
      await call("project", "UpdateIteration", { projectId, iterationId, name: String(fields.get("name")) });
      await onChange();
    },
  });
}

/** @param {any} iteration */
function askToDelete({ projectId, iterationId, name }) {
  openDialog({
    title: "Delete this iteration?",
    content: [element("p", {}, element("bdi", {}, name), " goes for good, with its model, its figures and its exports. Images, tags and other iterations stay.")],
    action: "Delete iteration",
    isDangerous: true,
    submit: async () => {
      await call("project", "DeleteIteration", { projectId, iterationId });
      notice("The iteration is deleted.");
      show(`/projects/${projectId}/performance`);
    },
  });
}
