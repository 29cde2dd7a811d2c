// Choosing in a grid: click and space select, shift up to there, arrows move; Enter, a double click and what is marked so open.

/** Which children of a grid are selected. Each child is an option with a `data-id`, and may hold something with `data-opens`. */
export class GridSelection {
  /** @param {HTMLElement} grid @param {{ changed: () => void, opened: (id: string) => void }} listeners */
  constructor(grid, { changed, opened }) {
    this._grid = grid;
    this._changed = changed;
    this._opened = opened;
    /** @type {HTMLElement | null} */
    this._last = null;
    grid.addEventListener("click", (event) => this._click(event));
    grid.addEventListener("dblclick", (event) => this._doubleClick(event));
    grid.addEventListener("keydown", (event) => this._key(event));
  }

  /** Returns the ids of what is selected, in the order of the grid. */
  ids() {
    return this._options().filter(isSelected).map(({ dataset }) => dataset.id ?? "");
  }

  clear() {
    this._set(this._options(), false);
  }

  /** Selects everything that is there. */
  all() {
    this._set(this._options(), true);
  }

  /** Takes options out; the focus, where it was in one of them, goes to what takes its place. @param {string[]} ids */
  remove(ids) {
    const gone = new Set(ids);
    const options = this._options();
    const first = options.findIndex(({ dataset }) => gone.has(dataset.id ?? ""));
    const hadFocus = this._grid.contains(document.activeElement);
    for (const option of options) if (gone.has(option.dataset.id ?? "")) option.remove();
    const left = this._options();
    if (!left.some(({ tabIndex }) => tabIndex === 0)) this._reach(left[Math.min(first, left.length - 1)], hadFocus);
    this._changed();
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const option = optionOf(event.target);
    if (event.target instanceof Element && event.target.closest("[data-opens]")) this._open(option);
    // The second click of two opens; what the first one did stays.
    else if (option && event.detail < 2) this._select(option, event.shiftKey);
  }

  /** @param {MouseEvent} event */
  _doubleClick(event) {
    // What opens has done so with the first click.
    if (event.target instanceof Element && !event.target.closest("[data-opens]")) this._open(optionOf(event.target));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const option = optionOf(event.target);
    if (!option) return;
    const columns = getComputedStyle(this._grid).gridTemplateColumns.split(" ").length;
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const step = steps[event.key];
    const options = this._options();
    if (step !== undefined) this._reach(options[options.indexOf(option) + step]);
    else if (event.key === " ") this._select(option, event.shiftKey);
    else if (event.key === "Enter") this._open(option);
    else if (event.key === "Escape") this.clear();
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.all();
    else return;
    event.preventDefault();
  }

  /** @param {HTMLElement | null} option */
  _open(option) {
    if (option) this._opened(option.dataset.id ?? "");
  }

  /** @param {HTMLElement} option @param {boolean} upToThere */
  _select(option, upToThere) {
    const options = this._options();
    const ends = [this._last?.isConnected ? options.indexOf(this._last) : options.indexOf(option), options.indexOf(option)];
    const range = upToThere ? options.slice(Math.min(...ends), Math.max(...ends) + 1) : [option];
    this._last = option;
    this._reach(option);
    this._set(range, upToThere || !isSelected(option));
  }

  /** @param {HTMLElement[]} options @param {boolean} selected */
  _set(options, selected) {
    for (const option of options) option.setAttribute("aria-selected", String(selected));
    this._changed();
  }

  /** Makes an option the one that the tabulator key reaches. @param {HTMLElement | undefined} option */
  _reach(option, takesFocus = true) {
    if (!option) return;
    for (const each of this._options()) each.tabIndex = -1;
    option.tabIndex = 0;
    if (takesFocus) option.focus();
  }

  _options() {
    return /** @type {HTMLElement[]} */ ([...this._grid.children]);
  }
}

/** @param {HTMLElement} option */
function isSelected(option) {
  return option.getAttribute("aria-selected") === "true";
}

/** @param {EventTarget | null} target */
function optionOf(target) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("[role=option]")) : null;
}
