// The tags of a project as buttons that are pressed or not; where they are many, in a box that scrolls and can be searched.

import { element } from "../../dom.js";

const MANY = 12;
/** So many tags have a number key. */
export const NUMBERED = 9;

/** @typedef {{ tagId: string, name: string, count?: number }} Chip */

/** Tags to press. */
export class TagChips {
  /** @param {{ label: string, toggle: (tagId: string) => void, isNumbered?: boolean }} options */
  constructor({ label, toggle, isNumbered = false }) {
    this._toggle = toggle;
    this._isNumbered = isNumbered;
    this._search = element("input", { type: "search", class: "tag-search", placeholder: "Find a tag", "aria-label": "Find a tag", oninput: () => this._find() });
    this._box = element("div", { class: "chips", role: "group", "aria-label": label });
    this.root = element("div", { class: "tag-chips" }, this._search, this._box);
  }

  /** @param {Chip[]} chips @param {string[]} pressed ids */
  show(chips, pressed) {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.tag : undefined;
    const isInside = this._box.contains(document.activeElement);
    const { scrollTop } = this._box;
    this._box.replaceChildren(...chips.map((chip, index) => this._chip(chip, index, pressed.includes(chip.tagId))));
    this._search.hidden = chips.length <= MANY;
    this._find();
    this._box.scrollTop = scrollTop;
    if (this._isNumbered) this._scrollToPressed();
    if (isInside) /** @type {HTMLElement | null} */ (this._box.querySelector(`[data-tag="${focused}"]`))?.focus();
  }

  /** @param {Chip} chip @param {number} index @param {boolean} isPressed */
  _chip({ tagId, name, count }, index, isPressed) {
    return element(
      "button",
      { type: "button", class: "filter", "aria-pressed": String(isPressed), "data-tag": tagId, onclick: () => this._toggle(tagId) },
      this._isNumbered && index < NUMBERED && element("kbd", {}, String(index + 1)),
      element("span", { dir: "auto" }, name),
      count !== undefined && " ",
      count !== undefined && element("span", { class: "figures" }, count.toLocaleString()),
    );
  }

  _scrollToPressed() {
    const [first] = this._box.querySelectorAll("[aria-pressed=true]");
    if (first instanceof HTMLElement) this._box.scrollTop = first.offsetTop + first.offsetHeight - this._box.clientHeight;
  }

  _find() {
    const sought = this._search.hidden ? "" : this._search.value.trim().toLocaleLowerCase();
    for (const chip of this._box.children) {
      // What is pressed stays, so that it can be pressed again.
      const isFound = (chip.querySelector("[dir]")?.textContent ?? "").toLocaleLowerCase().includes(sought);
      /** @type {HTMLElement} */ (chip).hidden = !isFound && chip.getAttribute("aria-pressed") === "false";
    }
  }
}
