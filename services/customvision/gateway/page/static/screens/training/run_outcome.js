// What came of a training run, in words, and what it is better at than the model before it.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { counted, lasting, percent } from "../../words.js";

const COMPLETED = "ITERATION_STATUS_COMPLETED";
// As the contract says of the chance_probability: above it, a difference proves nothing.
const PROVES_NOTHING_ABOVE = 0.05;

/**
 * Returns what a run that has ended came to.
 *
 * @param {any} run
 * @param {any[]} iterations of the project, newest first
 * @returns {Promise<HTMLElement>}
 */
export async function runOutcome(run, iterations) {
  if (run.state === "TRAINING_STATE_FAILED") return ended("It failed", run.failureReason);
  if (run.state === "TRAINING_STATE_CANCELLED") return ended("It was cancelled", "There is no model of it.");
  const iteration = iterations.find(({ iterationId }) => iterationId === run.iterationId);
  if (!iteration) return ended("It succeeded", "Its iteration has been deleted since.");
  const link = element("a", { class: "button", href: `/projects/${run.projectId}/performance/${run.iterationId}` }, "See how it does, and publish it");
  const time = timeTaken(run);
  return element(
    "div",
    { class: "outcome", role: "status" },
    element("h3", {}, time ? `Trained in ${time}` : "Trained"),
    ...figures(iteration.metrics),
    ...(await comparison(iteration, iterations)),
    iteration.warnings.length > 0 &&
      element("ul", { class: "warnings", "aria-label": "Warnings" }, ...iteration.warnings.map((/** @type {string} */ each) => element("li", {}, each))),
    iteration.fineTuned && element("p", { class: "facts" }, "Its network was fine-tuned for this project."),
    element("p", {}, link),
  );
}

/** How long a run took, empty where it never started. @param {any} run */
export function timeTaken(run) {
  if (!run.startTime || !run.endTime) return "";
  return lasting((Date.parse(run.endTime) - Date.parse(run.startTime)) / 1000);
}

/** @param {string} title @param {string} sentence */
function ended(title, sentence) {
  return element("div", { class: "outcome", role: "status" }, element("h3", {}, title), element("p", {}, sentence));
}

/** @param {any} metrics */
function figures(metrics) {
  const count = Number(metrics.heldOutImageCount);
  if (!count) return [element("p", {}, "Nothing measures how good it is yet: no photo was held out.")];
  const told = [
    { name: "Accuracy", value: metrics.accuracy, meaning: "of the answers are right" },
    { name: "Precision", value: metrics.precision, meaning: "of the tags that it names are right" },
    { name: "Recall", value: metrics.recall, meaning: "of the tags that are there it names" },
    { name: "Average precision", value: metrics.averagePrecision, meaning: "over all thresholds" },
  ];
  const cells = told.map(({ name, value, meaning }) =>
    element("div", { class: "figure" }, element("dt", {}, name), element("dd", {}, element("strong", {}, percent(value)), element("span", { class: "help" }, meaning))),
  );
  return [element("p", { class: "facts" }, `Measured on ${counted(count, "photo")} that it did not learn from:`), element("dl", { class: "outcome-figures" }, ...cells)];
}

/**
 * Holds an iteration against the one that is published, or else the one before.
 *
 * @param {any} iteration
 * @param {any[]} iterations newest first
 */
async function comparison(iteration, iterations) {
  const before = iterations.filter(({ status, number }) => status === COMPLETED && number < iteration.number);
  const other = before.find(({ publishName }) => publishName) ?? before[0];
  if (!other) return [];
  const name = [element("bdi", {}, other.name), other.publishName && " (published)"];
  const request = { projectId: iteration.projectId, iterationId: iteration.iterationId, otherIterationId: other.iterationId };
  try {
    return [element("p", { class: "comparison" }, "Against ", ...name, verdict(await call("training", "CompareIterations", request)))];
  } catch (error) {
    return [element("p", { class: "facts" }, "Against ", ...name, ": ", error instanceof Error ? error.message : String(error))];
  }
}

/** @param {any} compared IterationComparison */
function verdict({ imageCount, metrics, otherMetrics, improvedImageIds, worsenedImageIds, chanceProbability }) {
  const photos = `, on the ${counted(imageCount, "photo")} that neither learned from: `;
  if (!improvedImageIds.length && !worsenedImageIds.length) return `${photos}no answer got better or worse.`;
  const changes = `${improvedImageIds.length} better, ${worsenedImageIds.length} worse; accuracy ${percent(metrics.accuracy)}, before ${percent(otherMetrics.accuracy)}.`;
  return photos + changes + (chanceProbability > PROVES_NOTHING_ABOVE ? " So few may be chance." : "");
}
