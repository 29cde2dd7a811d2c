// Which tag was taken for which: a coloured field for each pair, behind which are its images.

import { element } from "../../dom.js";
import { counted, whole } from "../../words.js";

// More tags are shown as a list of what was mistaken most; the whole matrix is there for who asks for it.
const MOST_TAGS_AT_ONCE = 30;
const MOST_CONFUSIONS = 40;

/** @typedef {{ tag: any, takenFor: any, count: number, total: number }} Cell */
/** @typedef {(cell: Cell) => void} OnCell */

/** @param {any} performance of a multiclass iteration @param {OnCell} onCell is called with the field that somebody opens */
export function confusionMatrix({ tags, confusion }, onCell) {
  const rows = cells(tags, confusion.counts.map(Number));
  const box = element("div", {});
  if (tags.length <= MOST_TAGS_AT_ONCE) box.append(matrix(tags, rows, onCell));
  else {
    const open = () => box.replaceChildren(matrix(tags, rows, onCell));
    box.append(frequent(rows, onCell), element("button", { type: "button", onclick: open }, `Show all ${whole(tags.length)} tags as a matrix`));
  }
  return element("section", { class: "card", "aria-labelledby": "confusion-title" }, element("h2", { id: "confusion-title" }, "Confusion"), box);
}

/** @param {any[]} tags @param {number[]} counts @returns {Cell[][]} */
function cells(tags, counts) {
  return tags.map((tag, row) => {
    const ofRow = counts.slice(row * tags.length, (row + 1) * tags.length);
    const total = ofRow.reduce((sum, count) => sum + count, 0);
    return ofRow.map((count, column) => ({ tag, takenFor: tags[column], count, total }));
  });
}

/** @param {any[]} tags @param {Cell[][]} rows @param {OnCell} onCell */
function matrix(tags, rows, onCell) {
  const heads = tags.map(({ tagName }) => element("th", { scope: "col" }, element("span", { class: "column-name", dir: "auto", title: tagName }, tagName)));
  const lines = rows.map((row) => element("tr", {}, element("th", { scope: "row", dir: "auto", title: row[0]?.tag.tagName }, row[0]?.tag.tagName ?? ""), ...row.map((cell) => field(cell, onCell))));
  const table = element("table", { class: "confusion" }, element("thead", {}, element("tr", {}, element("td", {}, "is ↓ taken for →"), ...heads)), element("tbody", {}, ...lines));
  const buttons = [...table.querySelectorAll("button")];
  // One stop for the tabulator; arrows move within.
  buttons.forEach((button, index) => (button.tabIndex = index ? -1 : 0));
  table.addEventListener("keydown", (event) => move(event, buttons));
  return element(
    "div",
    {},
    element("p", { class: "help" }, "Rows are what images are, columns what they were taken for. Open a field to see its images."),
    element("div", { class: "table-box" }, table),
  );
}

/** @param {Cell} cell @param {OnCell} onCell */
function field(cell, onCell) {
  const { tag, takenFor, count, total } = cell;
  if (!count) return element("td", { class: "none" }, "·");
  const isRight = tag === takenFor;
  const label = isRight ? `${tag.tagName}, told right: ${counted(count, "image")}` : `${tag.tagName} taken for ${takenFor.tagName}: ${counted(count, "image")}`;
  const made = element("td", { class: isRight ? "right" : "wrong" }, element("button", { type: "button", "aria-label": label, title: label, onclick: () => onCell(cell) }, whole(count)));
  made.style.setProperty("--share", String(count / total));
  return made;
}

/** @param {KeyboardEvent} event @param {HTMLButtonElement[]} buttons */
function move(event, buttons) {
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const way = ways[event.key];
  const from = event.target instanceof Element ? event.target.closest("td") : null;
  if (!way || !from) return;
  event.preventDefault();
  const next = neighbour(from, way);
  if (!next) return;
  buttons.forEach((button) => (button.tabIndex = button === next ? 0 : -1));
  next.focus();
}

/** Returns the next button that way, past fields without images. @param {HTMLTableCellElement} from @param {[number, number]} way */
function neighbour(from, [down, right]) {
  let row = /** @type {HTMLTableRowElement} */ (from.parentElement);
  let { cellIndex } = from;
  for (;;) {
    row = /** @type {HTMLTableRowElement} */ (down > 0 ? row.nextElementSibling : down < 0 ? row.previousElementSibling : row);
    cellIndex += right;
    const cell = row?.cells[cellIndex];
    if (!cell) return null;
    const button = cell.querySelector("button");
    if (button) return button;
  }
}

/** @param {Cell[][]} rows @param {OnCell} onCell */
function frequent(rows, onCell) {
  const mistaken = rows.flat().filter(({ tag, takenFor, count }) => count && tag !== takenFor);
  const most = mistaken.toSorted((one, other) => other.count - one.count).slice(0, MOST_CONFUSIONS);
  if (!most.length) return element("p", {}, "No held-out image was taken for another tag.");
  const items = most.map((cell) =>
    element(
      "li",
      {},
      element("button", { type: "button", class: "quiet", onclick: () => onCell(cell) }, element("bdi", {}, cell.tag.tagName), " taken for ", element("bdi", {}, cell.takenFor.tagName)),
      ` ${counted(cell.count, "image")} of ${whole(cell.total)}`,
    ),
  );
  const left = mistaken.length - most.length;
  return element("div", {}, element("p", { class: "help" }, "The most frequent confusions."), element("ol", { class: "confusions" }, ...items), left > 0 && element("p", { class: "facts" }, `and ${counted(left, "more pair")} of tags.`));
}
