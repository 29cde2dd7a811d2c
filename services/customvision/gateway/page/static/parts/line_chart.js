// Lines over two axes, drawn anew whenever there is more to draw.

import { drawing, element } from "../dom.js";

const WIDTH = 480;
const HEIGHT = 260;
const LEFT = 52;
const RIGHT = 24;
const TOP = 12;
const BOTTOM = 42;
const STEPS = 4;

/** @typedef {{ name: string, from: number, to: number, text: (value: number) => string }} Axis */
/** @typedef {{ name: string, points: [number, number][], isDashed?: boolean }} Line */

/**
 * Returns a chart. Screen readers read `summary`, a sentence that says what is to be seen.
 *
 * @param {{ x: Axis, y: Axis, lines: Line[], marks?: [number, number][], summary: string }} chart
 * @returns {HTMLElement}
 */
export function lineChart({ x, y, lines, marks = [], summary }) {
  const right = (/** @type {number} */ value) => LEFT + share(value, x) * (WIDTH - LEFT - RIGHT);
  const down = (/** @type {number} */ value) => HEIGHT - BOTTOM - share(value, y) * (HEIGHT - TOP - BOTTOM);
  const paths = lines.map(({ points, isDashed }, index) =>
    drawing("polyline", {
      class: `chart-line chart-line-${index}${isDashed ? " dashed" : ""}`,
      points: points.map(([across, up]) => `${right(across).toFixed(1)},${down(up).toFixed(1)}`).join(" "),
    }),
  );
  const dots = marks.map(([across, up]) => drawing("circle", { class: "chart-mark", cx: right(across), cy: down(up), r: 5 }));
  const picture = drawing(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary },
    ...steps(y).flatMap((value) => [
      drawing("line", { class: "chart-grid", x1: LEFT, x2: WIDTH - RIGHT, y1: down(value), y2: down(value) }),
      drawing("text", { x: LEFT - 8, y: down(value) + 4, "text-anchor": "end" }, y.text(value)),
    ]),
    ...steps(x).map((value) => drawing("text", { x: right(value), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, x.text(value))),
    drawing("text", { class: "chart-axis", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x.name),
    ...paths,
    ...dots,
  );
  const names = lines.map(({ name }, index) => element("li", { class: `chart-name chart-name-${index}`, dir: "auto" }, name));
  return element("figure", { class: "chart" }, element("figcaption", {}, y.name), picture, element("ul", { class: "chart-names" }, ...names));
}

/** @param {number} value @param {Axis} axis */
function share(value, { from, to }) {
  return to > from ? Math.min(1, Math.max(0, (value - from) / (to - from))) : 0;
}

/** @param {Axis} axis */
function steps({ from, to }) {
  return Array.from({ length: STEPS + 1 }, (_, step) => from + ((to - from) * step) / STEPS);
}
