// The iterations of a project, newest first, each a way to how it does.

import { element } from "../../dom.js";
import { date, percent } from "../../words.js";

export const COMPLETED = "ITERATION_STATUS_COMPLETED";
const STATES = /** @type {Record<string, string>} */ ({
  ITERATION_STATUS_TRAINING: "in training",
  ITERATION_STATUS_FAILED: "failed",
  ITERATION_STATUS_CANCELLED: "cancelled",
});

/** @param {any} iteration */
export function trainingType({ trainingType }) {
  return trainingType === "TRAINING_TYPE_ADVANCED" ? "Advanced" : "Quick";
}

/** Returns a figure in words; nothing says anything where no image was held out. @param {any} metrics @param {number} share */
export function measured(metrics, share) {
  return Number(metrics?.heldOutImageCount) ? percent(share) : "–";
}

/** @param {any[]} iterations @param {string} currentId @returns {HTMLElement} */
export function iterationList(iterations, currentId) {
  const items = iterations.map((iteration) => element("li", {}, link(iteration, iteration.iterationId === currentId)));
  return element("nav", { class: "iterations", "aria-label": "Iterations" }, element("ul", {}, ...items));
}

/** @param {any} iteration @param {boolean} isCurrent */
function link(iteration, isCurrent) {
  const { metrics, publishName } = iteration;
  const figure = iteration.status === COMPLETED ? `${measured(metrics, metrics?.accuracy)} accuracy` : STATES[iteration.status];
  return element(
    "a",
    {
      class: "iteration",
      href: `/projects/${iteration.projectId}/performance/${iteration.iterationId}`,
      "aria-current": isCurrent ? "page" : null,
    },
    element("strong", { dir: "auto" }, iteration.name),
    element("span", { class: "facts" }, `${trainingType(iteration)} · ${date(iteration.createTime)}`),
    element("span", { class: "facts" }, figure),
    publishName && element("span", { class: "badge published" }, "answers as ", element("bdi", {}, publishName)),
  );
}
