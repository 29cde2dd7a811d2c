// Two iterations side by side, on the images that neither learned from.

import { call, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { newestOf } from "./newest.js";
import { counted, percent } from "../../words.js";
import { heldOutPhoto, imagesThatAreThere } from "./held_out_photos.js";

const PHOTOS_AT_ONCE = 24;
// As docs/evaluation.md says: above it, the difference proves nothing.
const CHANCE = 0.05;

export class Comparison {
  /** @param {any} iteration @param {any[]} others completed iterations to compare with @param {number} threshold */
  constructor(iteration, others, threshold) {
    this._iteration = iteration;
    this._others = others;
    this._threshold = threshold;
    this._outcome = element("div", { "aria-live": "polite" });
    const options = others.map(({ iterationId, name }) => element("option", { value: iterationId }, name));
    this._select = element("select", { id: "compared", onchange: () => this._compare(undefined) }, element("option", { value: "" }, "Choose an iteration"), ...options);
    this._compare = newestOf(() => this._ask());
    const content = others.length
      ? [element("label", { for: "compared" }, "With"), this._select, this._outcome]
      : [element("p", {}, "There is no other completed iteration yet. Add photos of what this one gets wrong, and train again.")];
    this.element = element("section", { class: "card", "aria-labelledby": "comparison-title" }, element("h2", { id: "comparison-title" }, "Compare"), ...content);
  }

  /** @param {number} threshold */
  async setThreshold(threshold) {
    this._threshold = threshold;
    if (this._select.value) await this._compare(undefined);
  }

  async _ask() {
    const other = this._others.find(({ iterationId }) => iterationId === this._select.value);
    if (!other) return this._outcome.replaceChildren();
    const { projectId, iterationId } = this._iteration;
    const request = { projectId, iterationId, otherIterationId: other.iterationId, threshold: this._threshold };
    try {
      const comparison = await call("training", "CompareIterations", request);
      this._outcome.replaceChildren(this._told(comparison, other));
    } catch (error) {
      // That two have nothing in common is an answer, not a fault.
      if (!(error instanceof CallError)) throw error;
      this._outcome.replaceChildren(element("p", { class: "problem" }, error.message));
    }
    return undefined;
  }

  /** @param {any} comparison @param {any} other */
  _told(comparison, other) {
    const { projectId } = this._iteration;
    return element(
      "div",
      {},
      element("p", {}, `On ${counted(comparison.imageCount, "image")} that neither learned from, at a threshold of ${percent(this._threshold, 0)}:`),
      element("div", { class: "table-box" }, figures(this._iteration, comparison.metrics, other, comparison.otherMetrics)),
      element("p", { class: "verdict" }, verdict(comparison)),
      photos(`Told right now, wrong by ${other.name}`, projectId, comparison.improvedImageIds),
      photos(`Told wrong now, right by ${other.name}`, projectId, comparison.worsenedImageIds),
    );
  }
}

/** @param {any} iteration @param {any} metrics @param {any} other @param {any} otherMetrics */
function figures(iteration, metrics, other, otherMetrics) {
  const rows = [["Precision", "precision"], ["Recall", "recall"], ["Average precision", "averagePrecision"], ["Accuracy", "accuracy"]].map(([name, field]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, percent(metrics[field])), element("td", { class: "number" }, percent(otherMetrics[field]))),
  );
  const heads = [iteration, other].map(({ name }) => element("th", { scope: "col", class: "number", dir: "auto" }, name));
  return element("table", {}, element("thead", {}, element("tr", {}, element("td", {}), ...heads)), element("tbody", {}, ...rows));
}

/** @param {any} comparison */
function verdict({ improvedImageIds, worsenedImageIds, chanceProbability }) {
  const [improved, worsened] = [improvedImageIds.length, worsenedImageIds.length];
  if (!improved && !worsened) return "Both tell the same images right and wrong.";
  const split = `${counted(improved, "image")} improved, ${worsened} worsened.`;
  const chance = percent(chanceProbability);
  return chanceProbability > CHANCE
    ? `${split} That may be chance: two equally good models differ as much in ${chance} of cases. Add photos before you decide.`
    : `${split} That is hardly chance: two equally good models differ as much in ${chance} of cases only.`;
}

/** @param {string} title @param {string} projectId @param {string[]} imageIds */
function photos(title, projectId, imageIds) {
  if (!imageIds.length) return null;
  const strip = element("div", { class: "strip" });
  const more = element("button", { type: "button", onclick: () => add() }, "Show more");
  let shown = 0;
  const add = async () => {
    const next = imageIds.slice(shown, shown + PHOTOS_AT_ONCE);
    shown += next.length;
    more.hidden = shown >= imageIds.length;
    const images = await imagesThatAreThere(projectId, next);
    strip.append(...next.map((imageId) => heldOutPhoto(images.get(imageId))));
  };
  add();
  return element("div", { class: "compared-photos" }, element("h3", { dir: "auto" }, `${title} (${imageIds.length})`), strip, more);
}
