// Which images are looked at: all, tagged, untagged or suggested for, of some tags, of an iteration, or its errors.

import { element } from "../../dom.js";
import { EVERYTHING } from "./image_lists.js";
import { TagChips } from "./tag_chips.js";

/** @typedef {import("./image_lists.js").Filter} Filter */

/** @type {{ kind: Filter["kind"], name: string }[]} */
const KINDS = [
  { kind: "all", name: "All" },
  { kind: "tagged", name: "Tagged" },
  { kind: "untagged", name: "Untagged" },
  { kind: "suggestions", name: "Suggestions" },
];

/** The filters of the images; `choose` hears of each new choice. */
export class ImageFilters {
  /** @param {Filter} filter @param {(filter: Filter) => void} choose */
  constructor(filter, choose) {
    this.filter = filter;
    this._choose = (/** @type {Partial<Filter>} */ part) => choose({ ...this.filter, ...part });
    this._kinds = element("div", { class: "filters", role: "group", "aria-label": "Which images" });
    this._iterations = element("select", { "aria-label": "Of which data set", onchange: () => this._choose({ ...EVERYTHING, iterationId: this._iterations.value }) });
    this._wrongOnly = element("input", { type: "checkbox", onchange: () => this._choose({ isWrongOnly: this._wrongOnly.checked }) });
    this._wrong = element("label", { class: "check" }, this._wrongOnly, "Only the wrong ones");
    this._chips = new TagChips({ label: "Of which tags", toggle: (tagId) => this._toggle(tagId) });
    const ofIteration = element("div", { class: "of-iteration" }, this._iterations, this._wrong);
    this.root = element("div", { class: "image-filters" }, element("div", { class: "filter-row" }, this._kinds, ofIteration), this._chips.root);
  }

  /**
   * Shows what can be chosen and what is.
   *
   * @param {Filter} filter
   * @param {import("./image_choices.js").Choices} choices
   */
  show(filter, { chips, counts, iterations }) {
    this.filter = filter;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.kind : undefined;
    // A frozen data set holds tagged images only.
    const kinds = filter.iterationId ? KINDS.slice(0, 1) : KINDS;
    this._kinds.replaceChildren(...kinds.map(({ kind, name }) => this._kind(kind, name, counts[kind])));
    if (focused) /** @type {HTMLElement | null} */ (this._kinds.querySelector(`[data-kind="${focused}"]`))?.focus();
    const options = iterations.map(({ iterationId, name }) => element("option", { value: iterationId, selected: iterationId === filter.iterationId }, `What ${name} was made of`));
    this._iterations.replaceChildren(element("option", { value: "" }, "Images as they are now"), ...options);
    this._iterations.hidden = !iterations.length;
    this._wrong.hidden = !filter.iterationId;
    this._wrongOnly.checked = filter.isWrongOnly;
    this._chips.show(chips, filter.tagIds);
    this._chips.root.hidden = !chips.length;
  }

  /** @param {Filter["kind"]} kind @param {string} name @param {number} count */
  _kind(kind, name, count) {
    const isChosen = this.filter.kind === kind && !(kind === "all" && this.filter.tagIds.length);
    const choose = () => this._choose({ kind, tagIds: [] });
    return element(
      "button",
      { type: "button", class: "filter", "aria-pressed": String(isChosen), "data-kind": kind, onclick: choose },
      name,
      " ",
      element("span", { class: "figures" }, count.toLocaleString()),
    );
  }

  /** @param {string} tagId */
  _toggle(tagId) {
    const { kind, tagIds } = this.filter;
    const chosen = tagIds.includes(tagId) ? tagIds.filter((each) => each !== tagId) : [...tagIds, tagId];
    this._choose({ kind: kind === "suggestions" ? kind : "all", tagIds: chosen });
  }
}
