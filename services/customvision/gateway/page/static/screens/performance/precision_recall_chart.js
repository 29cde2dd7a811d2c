// Precision over recall, of all tags together and of one, with the place of the current threshold.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { newestOf } from "./newest.js";
import { percent } from "../../words.js";
import { lineChart } from "../../parts/line_chart.js";

const ALL = "All tags";
const axis = (/** @type {string} */ name) => ({ name, from: 0, to: 1, text: (/** @type {number} */ value) => percent(value, 0) });

export class PrecisionRecallChart {
  /** @param {any} iteration @param {any} performance */
  constructor(iteration, performance) {
    this._request = { projectId: iteration.projectId, iterationId: iteration.iterationId };
    this._performance = performance;
    this._chart = element("div", {});
    this._tagId = "";
    /** @type {[number, number][]} */
    this._all = [];
    /** @type {[number, number][]} */
    this._ofTag = [];
    const choose = newestOf((/** @type {string} */ tagId) => this._choose(tagId));
    const options = performance.tags.map((/** @type {any} */ tag) => element("option", { value: tag.tagId }, tag.tagName));
    const select = element("select", { id: "curve-tag", onchange: () => choose(select.value) }, element("option", { value: "" }, ALL), ...options);
    this.element = element(
      "section",
      { class: "card", "aria-labelledby": "curve-title" },
      element("div", { class: "title-row" }, element("h2", { id: "curve-title" }, "Precision over recall"), element("span", { class: "inline-field" }, element("label", { for: "curve-tag" }, "Tag"), select)),
      this._chart,
    );
  }

  /** Asks for the curve of all tags and draws it. */
  async load() {
    this._all = await this._points("");
    this._draw();
  }

  /** Moves the mark. @param {any} performance */
  show(performance) {
    this._performance = performance;
    this._draw();
  }

  /** @param {string} tagId */
  async _choose(tagId) {
    this._ofTag = tagId ? await this._points(tagId) : [];
    this._tagId = tagId;
    this._draw();
  }

  /** @param {string} tagId @returns {Promise<[number, number][]>} */
  async _points(tagId) {
    const { points } = await call("training", "GetPrecisionRecallCurve", { ...this._request, tagId });
    const drawn = points.map((/** @type {any} */ point) => [point.recall, point.precision]);
    return drawn.length ? [[0, drawn[0][1]], ...drawn] : [];
  }

  _draw() {
    const { overall, tags, threshold } = this._performance;
    const tag = tags.find((/** @type {any} */ each) => each.tagId === this._tagId);
    if (!this._all.length) {
      this._chart.replaceChildren(element("p", { class: "facts" }, "There is no curve without held-out images."));
      return;
    }
    const lines = [{ name: ALL, points: this._all }];
    if (tag) lines.push({ name: tag.tagName, points: this._ofTag });
    const shown = tag && this._ofTag.length ? [overall, tag] : [overall];
    // Where nothing is given at all there is no precision.
    const marks = shown.filter((figures) => figures.recall > 0).map((figures) => /** @type {[number, number]} */ ([figures.recall, figures.precision]));
    const place = shown.at(-1);
    const summary = `At a threshold of ${percent(threshold, 0)}, ${tag?.tagName ?? "all tags"}: precision ${percent(place.precision)}, recall ${percent(place.recall)}.`;
    this._chart.replaceChildren(lineChart({ x: axis("Recall"), y: axis("Precision"), lines, marks, summary }));
    if (tag && !this._ofTag.length) this._chart.append(element("p", { class: "facts" }, "No held-out image has this tag."));
  }
}
