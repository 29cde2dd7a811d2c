// Photos in a grid of any length: only those near the window are there, all of one size, so that nothing jumps.

import { element } from "../dom.js";
import { Selection } from "./selection.js";

const SMALLEST_PIXELS = 136;
const GAP_PIXELS = 12;
// How far beyond what is seen photos are there already.
const AHEAD_PIXELS = 600;
// What may lie over the last row that is seen: the bar of actions.
const BAR_PIXELS = 90;

/**
 * What is drawn of one item: its text for screen readers, the address of its thumbnail, what stands over it, and classes of the cell.
 *
 * @typedef {{ label: string, thumbnail: string, caption: HTMLElement, classes?: string }} Drawn
 */
/**
 * @typedef {{
 *   label: string,
 *   keyOf: (item: any) => string,
 *   draw: (item: any) => Drawn,
 *   onSelection: () => void,
 *   onOpen: (index: number) => void,
 *   onDelete: () => void,
 * }} GridOptions
 */

/**
 * A grid of what a PagedList holds. Click and space select, with shift up to there; arrows, Page Up, Page Down, Home and End
 * move; Enter, a double click and the card's own button open; Control+A selects all and Escape none.
 */
export class PhotoGrid {
  /** @param {GridOptions} options */
  constructor(options) {
    this._options = options;
    this.selection = new Selection();
    this.element = element("div", { class: "photos", role: "listbox", "aria-multiselectable": "true", "aria-label": options.label });
    /** @type {Map<number, HTMLElement>} */
    this._cells = new Map();
    this._current = 0;
    this._anchor = 0;
    this._columns = 1;
    this._size = SMALLEST_PIXELS;
    this._isDue = false;
    this.element.addEventListener("click", (event) => this._click(event));
    this.element.addEventListener("dblclick", (event) => this._doubleClick(event));
    this.element.addEventListener("keydown", (event) => this._key(event));
    this._drawSoon = this._drawSoon.bind(this);
    addEventListener("scroll", this._drawSoon, { passive: true });
    this._resizes = new ResizeObserver(() => this._drawSoon());
    this._resizes.observe(this.element);
    this._resizes.observe(document.body);
  }

  /** Has a list fetch what would be seen of it where the window stands. @param {import("./paged_list.js").PagedList} list */
  async prepare(list) {
    if (!list.count) return;
    const [first, end] = this.element.isConnected ? this._near(list.count) : [0, 1];
    const last = Math.min(Math.max(end, first + 1), list.count) - 1;
    await Promise.all([list.item(Math.min(first, last)), list.item(last)]);
  }

  /** Shows a list in place of the one before, where the window stands. @param {import("./paged_list.js").PagedList} list */
  show(list) {
    if (this._list) this._list.onArrival = () => {};
    this._list = list;
    list.onArrival = this._drawSoon;
    this.redraw();
  }

  /** Draws everything again, as it is now. */
  redraw() {
    const isFocused = this.element.contains(document.activeElement);
    this._cells.clear();
    this.element.replaceChildren();
    this._current = Math.max(0, Math.min(this._current, this._count - 1));
    this._draw();
    if (isFocused) this.focusOn(this._current);
  }

  /** Ends what it listens to. */
  leave() {
    removeEventListener("scroll", this._drawSoon);
    this._resizes.disconnect();
  }

  /** Selects all that the list has now. */
  selectAll() {
    this.selection.selectAll(this._count);
    const items = this._list?.itemsHere() ?? [];
    if (items.length === this._count) this.selection.name(items.map(this._options.keyOf));
    this._selectionChanged();
  }

  /** Selects none. */
  clear() {
    this.selection.clear();
    this._selectionChanged();
  }

  /** Takes items out of the list and of the selection; the keyboard, where it was in one of them, goes to what takes its place. @param {string[]} keys */
  remove(keys) {
    const gone = new Set(keys);
    const indices = (this._list?.itemsHere() ?? []).flatMap((item, index) => (gone.has(this._options.keyOf(item)) ? [index] : []));
    const movedUp = (/** @type {number} */ index) => index - indices.filter((each) => each < index).length;
    this._current = movedUp(this._current);
    this._anchor = movedUp(this._anchor);
    this.selection.remove(indices);
    this._list?.hide(indices);
    this.redraw();
    this._selectionChanged();
  }

  /** Moves the keyboard to an item and the window with it. @param {number} index */
  focusOn(index) {
    if (!this._count) return;
    this._current = Math.min(Math.max(index, 0), this._count - 1);
    this._scrollTo(this._current);
    this._draw();
    this._cells.get(this._current)?.focus({ preventScroll: true });
  }

  get _count() {
    return this._list?.count ?? 0;
  }

  get _step() {
    return this._size + GAP_PIXELS;
  }

  _drawSoon() {
    if (this._isDue) return;
    this._isDue = true;
    requestAnimationFrame(() => {
      this._isDue = false;
      this._draw();
    });
  }

  _draw() {
    if (!this._list || !this.element.isConnected) return;
    const width = this.element.clientWidth;
    this._columns = Math.max(1, Math.floor((width + GAP_PIXELS) / (SMALLEST_PIXELS + GAP_PIXELS)));
    this._size = (width - GAP_PIXELS * (this._columns - 1)) / this._columns;
    const rows = Math.ceil(this._count / this._columns);
    this.element.style.height = `${Math.max(0, rows * this._step - GAP_PIXELS)}px`;
    this.element.style.setProperty("--size", `${this._size}px`);
    const [first, end] = this._near(this._count);
    this._list.want(first, end);
    this._put(first, end);
  }

  /** Returns the first item that is near the window, and the one after the last. @param {number} count */
  _near(count) {
    const rows = Math.ceil(count / this._columns);
    const top = -this.element.getBoundingClientRect().top;
    const firstRow = Math.min(rows, Math.max(0, Math.floor((top - AHEAD_PIXELS) / this._step)));
    const endRow = Math.min(rows, Math.max(0, Math.ceil((top + innerHeight + AHEAD_PIXELS) / this._step)));
    return [firstRow * this._columns, Math.min(count, endRow * this._columns)];
  }

  /** @param {number} first @param {number} end */
  _put(first, end) {
    const wanted = Array.from({ length: Math.max(0, end - first) }, (_, offset) => first + offset);
    // What has the keyboard stays, however far away it is.
    const focused = this._indexOf(document.activeElement);
    if (focused !== null && focused < first) wanted.unshift(focused);
    else if (focused !== null && focused >= end && focused < this._count) wanted.push(focused);
    const kept = new Set(wanted);
    for (const [index, cell] of this._cells) {
      if (kept.has(index)) continue;
      cell.remove();
      this._cells.delete(index);
    }
    const stop = kept.has(this._current) ? this._current : wanted[0];
    let next = this.element.firstChild;
    for (const index of wanted) {
      const cell = this._cells.get(index) ?? this._made(index);
      if (cell.hasAttribute("aria-busy")) this._fill(cell, index);
      if (cell === next) next = next.nextSibling;
      else this.element.insertBefore(cell, next);
      cell.style.transform = `translate(${(index % this._columns) * this._step}px, ${Math.floor(index / this._columns) * this._step}px)`;
      cell.tabIndex = index === stop ? 0 : -1;
      // More may have come.
      cell.setAttribute("aria-setsize", String(this._list?.isWhole ? this._count : -1));
    }
  }

  /** @param {number} index */
  _made(index) {
    const cell = element("div", { role: "option", class: "photo", "data-index": index, "aria-posinset": index + 1, "aria-busy": "true" });
    this._cells.set(index, cell);
    return cell;
  }

  /** @param {HTMLElement} cell @param {number} index */
  _fill(cell, index) {
    const item = this._list?.at(index);
    if (item === undefined) {
      cell.setAttribute("aria-label", "being loaded");
      cell.setAttribute("aria-selected", String(this.selection.isAll));
      return;
    }
    const { label, thumbnail, caption, classes } = this._options.draw(item);
    cell.removeAttribute("aria-busy");
    cell.setAttribute("aria-label", label);
    cell.setAttribute("aria-selected", String(this.selection.has(this._options.keyOf(item))));
    cell.className = classes ? `photo ${classes}` : "photo";
    const photo = element("img", { src: thumbnail, alt: "", width: 160, height: 160, draggable: "false" });
    // What a screen reader hears is the label, and Enter is its way to open.
    const open = element("span", { class: "photo-open", "aria-hidden": "true", title: "Open" }, "⤢");
    cell.replaceChildren(photo, caption, open);
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const index = this._indexOf(event.target);
    if (index === null) return;
    if (event.target instanceof Element && event.target.closest(".photo-open")) this._open(index);
    else this._select(index, event.shiftKey);
  }

  /** @param {MouseEvent} event */
  _doubleClick(event) {
    const index = this._indexOf(event.target);
    // Its two clicks have selected it and selected it no more.
    if (index !== null && !(event.target instanceof Element && event.target.closest(".photo-open"))) this._open(index);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const index = this._indexOf(event.target);
    if (index === null || event.altKey) return;
    const screen = this._columns * Math.max(1, Math.floor((innerHeight - BAR_PIXELS) / this._step));
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: index - 1,
      ArrowRight: index + 1,
      ArrowUp: index - this._columns,
      ArrowDown: index + this._columns,
      PageUp: Math.max(index % this._columns, index - screen),
      PageDown: Math.min(this._count - 1, index + screen),
      Home: 0,
      End: this._count - 1,
    };
    const target = targets[event.key];
    if (target !== undefined) {
      if (target >= 0 && target < this._count) this.focusOn(target);
    } else if (event.key === " ") this._select(index, event.shiftKey);
    else if (event.key === "Enter") this._open(index);
    else if (event.key === "Escape") this.clear();
    else if (event.key === "Delete") this._options.onDelete();
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.selectAll();
    else return;
    event.preventDefault();
  }

  /** @param {number} index */
  _open(index) {
    this.focusOn(index);
    this._options.onOpen(index);
  }

  /** @param {number} index @param {boolean} upToThere */
  async _select(index, upToThere) {
    const list = this._list;
    const [from, to] = upToThere ? [Math.min(this._anchor, index), Math.max(this._anchor, index)] : [index, index];
    this._anchor = index;
    this.focusOn(index);
    const items = list?.at(index) && from === to ? [list.at(index)] : ((await list?.items(from, to + 1)) ?? []);
    if (list !== this._list) return;
    const isSelected = upToThere || (items.length > 0 && !this.selection.has(this._options.keyOf(items[0])));
    items.forEach((item, offset) => this.selection.set(this._options.keyOf(item), from + offset, isSelected));
    this._selectionChanged();
  }

  _selectionChanged() {
    for (const [index, cell] of this._cells) {
      const item = this._list?.at(index);
      const isSelected = item === undefined ? this.selection.isAll : this.selection.has(this._options.keyOf(item));
      cell.setAttribute("aria-selected", String(isSelected));
    }
    this._options.onSelection();
  }

  /** @param {number} index */
  _scrollTo(index) {
    const top = this.element.getBoundingClientRect().top + Math.floor(index / this._columns) * this._step;
    const bottom = top + this._step + BAR_PIXELS;
    if (top < GAP_PIXELS) scrollBy(0, top - GAP_PIXELS);
    else if (bottom > innerHeight) scrollBy(0, bottom - innerHeight);
  }

  /** @param {EventTarget | null} target */
  _indexOf(target) {
    const cell = target instanceof Element ? target.closest("[role=option]") : null;
    return cell instanceof HTMLElement && this.element.contains(cell) ? Number(cell.dataset.index) : null;
  }
}
