// Photos in a grid that grows as one scrolls: thumbnails only, all of one size, so that nothing jumps.

import { call } from "../calls.js";
import { element } from "../dom.js";

const PAGE_SIZE = 120;
// How far below what is seen images are loaded already.
const AHEAD_PIXELS = 1200;

/**
 * A grid of the images that a ListImages request finds. Click and space select; shift selects up to there; arrows move.
 */
export class PhotoGrid {
  /** @param {object} request @param {() => void} onSelection is called whenever the selection has changed */
  constructor(request, onSelection) {
    this.element = element("div", { class: "photos", role: "listbox", "aria-multiselectable": "true", "aria-label": "Images" });
    this.end = element("div", { class: "end" });
    this.root = element("div", {}, this.element, this.end);
    /** @type {any[]} */
    this.images = [];
    /** @type {Set<string>} */
    this.selected = new Set();
    this._request = request;
    this._onSelection = onSelection;
    this._token = "";
    this._last = 0;
    this._isWhole = false;
    this._isLoading = false;
    this.element.addEventListener("click", (event) => this._click(event));
    this.element.addEventListener("keydown", (event) => this._key(event));
    this._observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.more(), {
      rootMargin: `${AHEAD_PIXELS}px`,
    });
    this._observer.observe(this.end);
  }

  /** Loads the next page, unless all are there. */
  async more() {
    if (this._isWhole || this._isLoading) return;
    this._isLoading = true;
    try {
      const page = await call("project", "ListImages", { ...this._request, pageSize: PAGE_SIZE, pageToken: this._token });
      const first = this.images.length;
      this.images.push(...page.images);
      this.element.append(...page.images.map((/** @type {any} */ image, /** @type {number} */ index) => photo(image, first + index)));
      this._token = page.nextPageToken;
      this._isWhole = !this._token;
    } finally {
      this._isLoading = false;
    }
    // The end may be in sight still, or again; the observer tells of changes alone, and anew only of what it is given anew.
    this._observer.unobserve(this.end);
    this._observer.observe(this.end);
  }

  /** Forgets which images are selected. */
  clear() {
    this.selected.clear();
    for (const each of this.element.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
    this._onSelection();
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const index = this._indexOf(event.target);
    if (index === null) return;
    this._select(index, event.shiftKey);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const index = this._indexOf(event.target);
    if (index === null) return;
    const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const step = steps[event.key];
    if (step !== undefined) this._focus(index + step);
    else if (event.key === " ") this._select(index, event.shiftKey);
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
  }

  /** @param {number} index @param {boolean} upToThere */
  _select(index, upToThere) {
    const cells = this.element.children;
    const [from, to] = upToThere ? [Math.min(this._last, index), Math.max(this._last, index)] : [index, index];
    const isSelected = upToThere || !this.selected.has(this.images[index].imageId);
    for (let each = from; each <= to; each += 1) {
      if (isSelected) this.selected.add(this.images[each].imageId);
      else this.selected.delete(this.images[each].imageId);
      cells[each].setAttribute("aria-selected", String(isSelected));
    }
    this._last = index;
    this._focus(index);
    this._onSelection();
  }

  /** @param {number} index */
  _focus(index) {
    const cell = /** @type {HTMLElement | undefined} */ (this.element.children[index]);
    if (!cell) return;
    for (const each of this.element.querySelectorAll('[tabindex="0"]')) each.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    cell.focus();
  }

  /** @param {EventTarget | null} target */
  _indexOf(target) {
    const cell = target instanceof Element ? target.closest("[role=option]") : null;
    return cell instanceof HTMLElement ? Number(cell.dataset.index) : null;
  }
}

/** @param {any} image @param {number} index */
function photo(image, index) {
  const names = image.tags.map((/** @type {any} */ tag) => tag.tagName).join(", ");
  const source = `/page/projects/${image.projectId}/images/${image.imageId}/thumbnail`;
  return element(
    "div",
    {
      role: "option",
      class: "photo",
      tabindex: index ? -1 : 0,
      "aria-selected": "false",
      "aria-label": `${image.fileName || "Image"}, ${names || "untagged"}`,
      "data-index": index,
    },
    element("img", { src: source, alt: "", loading: "lazy", width: 160, height: 160 }),
    element("span", { class: "photo-tags", dir: "auto" }, names || "untagged"),
  );
}
