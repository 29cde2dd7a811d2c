// The figures of every tag, in the order that somebody chooses.

import { element } from "../../dom.js";
import { percent, whole } from "../../words.js";

/** @typedef {{ name: string, value: (tag: any) => number | string, text: (tag: any) => string }} Column */

const isMeasured = (/** @type {any} */ tag) => Number(tag.heldOutImageCount) > 0;
const share = (/** @type {string} */ name, /** @type {string} */ field) => ({
  name,
  value: (/** @type {any} */ tag) => (isMeasured(tag) ? tag[field] : -1),
  text: (/** @type {any} */ tag) => (isMeasured(tag) ? percent(tag[field]) : "–"),
});
/** @type {Column[]} */
const COLUMNS = [
  { name: "Tag", value: (tag) => tag.tagName, text: (tag) => tag.tagName },
  { name: "Images", value: (tag) => Number(tag.imageCount), text: (tag) => whole(tag.imageCount) },
  { name: "Held out", value: (tag) => Number(tag.heldOutImageCount), text: (tag) => whole(tag.heldOutImageCount) },
  share("Precision", "precision"),
  share("Recall", "recall"),
  share("Average precision", "averagePrecision"),
];

export class TagTable {
  /** @param {any} performance @param {(tag: any) => void} onWrong is called with the tag whose wrong images somebody asks for */
  constructor(performance, onWrong) {
    this._tags = performance.tags;
    this._onWrong = onWrong;
    /** @type {{ column: Column, isDescending: boolean } | null} in order of creation, until somebody chooses */
    this._order = null;
    this._heads = COLUMNS.map((column) => element("th", { scope: "col", class: column.name === "Tag" ? null : "number" }, element("button", { type: "button", class: "sort", onclick: () => this._sort(column) }, column.name)));
    this._rows = element("tbody", {});
    const heads = element("tr", {}, ...this._heads, element("th", { scope: "col" }, element("span", { class: "hidden-text" }, "Wrong images")));
    this.element = element(
      "section",
      { class: "card", "aria-labelledby": "tags-title" },
      element("h2", { id: "tags-title" }, "Tags"),
      element("div", { class: "table-box", tabindex: 0, role: "group", "aria-labelledby": "tags-title" }, element("table", {}, element("thead", {}, heads), this._rows)),
    );
    this._draw();
  }

  /** @param {any} performance */
  show(performance) {
    this._tags = performance.tags;
    this._draw();
  }

  /** @param {Column} column */
  _sort(column) {
    const isSame = this._order?.column === column;
    // Names begin with A, figures with the worst.
    this._order = { column, isDescending: isSame && !this._order?.isDescending };
    this._draw();
  }

  _draw() {
    const order = this._order;
    COLUMNS.forEach((column, index) => {
      const isChosen = order?.column === column;
      this._heads[index].setAttribute("aria-sort", isChosen ? (order?.isDescending ? "descending" : "ascending") : "none");
    });
    this._rows.replaceChildren(...sorted(this._tags, order).map((tag) => this._row(tag)));
  }

  /** @param {any} tag */
  _row(tag) {
    const [name, ...figures] = COLUMNS;
    return element(
      "tr",
      {},
      element("th", { scope: "row", dir: "auto" }, name.text(tag)),
      ...figures.map((column) => element("td", { class: "number" }, column.text(tag))),
      element("td", {}, isMeasured(tag) && element("button", { type: "button", class: "quiet", "aria-label": `Wrong images of ${tag.tagName}`, onclick: () => this._onWrong(tag) }, "Wrong images")),
    );
  }
}

/** @param {any[]} tags @param {{ column: Column, isDescending: boolean } | null} order @returns {any[]} */
function sorted(tags, order) {
  if (!order) return tags;
  const { value } = order.column;
  const compare = (/** @type {any} */ one, /** @type {any} */ other) => {
    const [left, right] = [value(one), value(other)];
    return typeof left === "string" ? left.localeCompare(String(right)) : left - Number(right);
  };
  return tags.toSorted((one, other) => (order.isDescending ? -compare(one, other) : compare(one, other)));
}
