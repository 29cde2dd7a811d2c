// Loss and accuracy of fine-tuning, epoch by epoch.

import { element } from "../../dom.js";
import { percent } from "../../words.js";
import { lineChart } from "../../parts/line_chart.js";

/** @typedef {import("./run_progress.js").Course} Course */

/**
 * Returns the curves of the trial, which is measured on held-out photos, and of the course under way; null where there are none.
 *
 * @param {Course[]} courses in order
 * @returns {HTMLElement | null}
 */
export function runCurves(courses) {
  const first = courses[0];
  const last = courses.at(-1);
  if (!first || !last) return null;
  const shown = first === last ? [first] : [first, last];
  const epochs = Math.max(...shown.map((course) => course.epochs));
  // Four steps of whole epochs each.
  const x = { name: "Epoch", from: 0, to: 4 * Math.ceil(epochs / 4), text: String };
  const losses = lines(shown, "loss", first.heldOutLoss);
  const highest = Math.max(...losses.flatMap(({ points }) => points.map(([, loss]) => loss)).filter(Number.isFinite), 0.001);
  const loss = { name: "Loss", from: 0, to: highest, text: (/** @type {number} */ value) => value.toFixed(highest < 0.4 ? 3 : 2) };
  const accuracy = { name: "Accuracy", from: 0, to: 1, text: (/** @type {number} */ value) => `${Math.round(100 * value)} %` };
  const accuracies = lines(shown, "accuracy", first.heldOutAccuracy);
  return element(
    "div",
    { class: "curves" },
    lineChart({ x, y: loss, lines: losses, summary: summary("Loss", losses, (value) => value.toFixed(3)) }),
    lineChart({ x, y: accuracy, lines: accuracies, summary: summary("Accuracy", accuracies, percent) }),
  );
}

/**
 * @param {Course[]} shown
 * @param {"loss" | "accuracy"} figure
 * @param {import("./run_progress.js").Points} heldOut
 * @returns {import("../../parts/line_chart.js").Line[]}
 */
function lines(shown, figure, heldOut) {
  const [first, last] = shown;
  const name = first.name || "Fine-tuning";
  return [
    { name: `${name}: photos learned from`, points: drawable(first[figure]) },
    ...(heldOut.length ? [{ name: `${name}: held-out photos`, points: drawable(heldOut), isDashed: true }] : []),
    ...(last ? [{ name: last.name, points: drawable(last[figure]) }] : []),
  ];
}

/** Leaves out what is no number: a training that went wrong. @param {import("./run_progress.js").Points} points */
function drawable(points) {
  return points.filter(([, value]) => Number.isFinite(Number(value)));
}

/** @param {string} name @param {import("../../parts/line_chart.js").Line[]} lines @param {(value: number) => string} text */
function summary(name, lines, text) {
  const parts = lines.flatMap(({ name: line, points }) => {
    const newest = points.at(-1);
    return newest ? [`${line}: ${text(newest[1])} at epoch ${Number(newest[0].toFixed(1))}`] : [];
  });
  return `${name} by epoch. ${parts.join("; ")}.`;
}
