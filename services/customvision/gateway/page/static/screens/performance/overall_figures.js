// How an iteration does over all tags, at the threshold that somebody sets.

import { call } from "../../calls.js";
import { drawing, element } from "../../dom.js";
import { newestOf } from "./newest.js";
import { counted, percent } from "../../words.js";

const STEP = 0.01;
// Below so many, one image more or less told right moves the figures by two points.
const FEW_IMAGES = 50;

/** Rings of figures and the slider of the threshold; `onPerformance` is called with every answer. */
export class OverallFigures {
  /**
   * @param {any} iteration
   * @param {any} performance at first
   * @param {(performance: any) => void} onPerformance
   */
  constructor(iteration, performance, onPerformance) {
    this._iteration = iteration;
    this._onPerformance = onPerformance;
    this._rings = element("div", { class: "rings" });
    this._sentence = element("p", { role: "status", class: "figures-sentence" });
    this._output = element("output", { for: "threshold" });
    this._slider = element("input", {
      id: "threshold", type: "range", min: 0, max: 1, step: STEP, value: performance.threshold, "aria-describedby": "threshold-help",
    });
    const ask = newestOf((/** @type {number} */ threshold) => this._ask(threshold));
    this._slider.addEventListener("input", () => {
      this._tellThreshold();
      ask(this._slider.valueAsNumber);
    });
    this.element = element(
      "section",
      { class: "card", "aria-labelledby": "figures-title" },
      element("h2", { id: "figures-title" }, "Figures"),
      this._rings,
      element("div", { class: "threshold" }, element("label", { for: "threshold" }, "Threshold"), this._slider, this._output),
      element("p", { id: "threshold-help", class: "help" }, "A tag counts as given from this probability on. A high threshold makes fewer mistakes and misses more."),
      this._sentence,
      ...remarks(performance),
    );
    this._tellThreshold();
    this._tell(performance);
  }

  /** @param {number} threshold */
  async _ask(threshold) {
    const { projectId, iterationId } = this._iteration;
    const performance = await call("training", "GetPerformance", { projectId, iterationId, threshold, figuresOnly: true });
    this._tell(performance);
    this._onPerformance(performance);
  }

  _tellThreshold() {
    const text = percent(this._slider.valueAsNumber, 0);
    this._output.textContent = text;
    this._slider.setAttribute("aria-valuetext", text);
  }

  /** @param {any} performance */
  _tell({ overall, threshold }) {
    const isMeasured = Number(overall.heldOutImageCount) > 0;
    this._rings.replaceChildren(
      ring("Precision", isMeasured ? overall.precision : null),
      ring("Recall", isMeasured ? overall.recall : null),
      ring("Average precision", isMeasured ? overall.averagePrecision : null),
      ring("Accuracy", isMeasured ? overall.accuracy : null),
    );
    this._sentence.textContent = isMeasured
      ? `At ${percent(threshold, 0)}, ${percent(overall.precision)} of the tags it gives are right, and it finds ${percent(overall.recall)} of those that there are.`
      : "";
  }
}

/** @param {string} name @param {number | null} share */
function ring(name, share) {
  const circle = (/** @type {Record<string, unknown>} */ attributes) => drawing("circle", { cx: 50, cy: 50, r: 42, pathLength: 100, ...attributes });
  const picture = drawing(
    "svg",
    { viewBox: "0 0 100 100", "aria-hidden": "true" },
    circle({ class: "ring-ground" }),
    share ? circle({ class: "ring-share", "stroke-dasharray": `${share * 100} 100`, transform: "rotate(-90 50 50)" }) : null,
  );
  const figure = element("strong", { class: "ring-figure" }, share === null ? "–" : percent(share));
  return element("div", { class: "ring" }, element("div", { class: "ring-picture" }, picture, figure), element("span", {}, name));
}

/** What else there is to know of the figures, a sentence each. @param {any} performance */
function remarks({ overall, crossValidation, calibration }) {
  const count = Number(overall.heldOutImageCount);
  if (!count) return [element("p", { class: "problem" }, "No image was held out, so nothing measures this model. Add photos of other scenes and train again.")];
  const points = (100 / count).toFixed(1);
  const base = `Measured on ${counted(count, "image")} that it did not learn from`;
  const sentences = [
    count < FEW_IMAGES
      ? element("p", { class: "few" }, `${base}. These are few: one image more or less told right moves the accuracy by ${points} points. More photos make the figures firmer.`)
      : element("p", {}, `${base}.`),
  ];
  if (crossValidation) {
    const { folds, accuracyMean, accuracyDeviation, averagePrecisionMean, averagePrecisionDeviation } = crossValidation;
    sentences.push(
      element("p", {}, `Over ${folds} folds of all images: accuracy ${percent(accuracyMean)} ± ${percent(accuracyDeviation)}, average precision ${percent(averagePrecisionMean)} ± ${percent(averagePrecisionDeviation)}.`),
    );
  }
  if (calibration?.bins.length) {
    const { expectedCalibrationError: error, uncalibratedError: before } = calibration;
    const earlier = before === error ? "" : `; before they were calibrated, by ${percent(before)}`;
    sentences.push(element("p", {}, `Its probabilities differ from how often it is right by ${percent(error)} on average${earlier}.`));
  }
  return [element("div", { class: "remarks" }, ...sentences)];
}
