// What stands above every screen of a project: where one is, and the ways to its other screens.

import { element } from "../dom.js";

/** @typedef {"images" | "training" | "performance" | "quick-test" | "predictions" | "settings"} Tab */

/** @type {[Tab, string][]} */
const TABS = [
  ["images", "Images"],
  ["training", "Training"],
  ["performance", "Performance"],
  ["quick-test", "Quick test"],
  ["predictions", "Predictions"],
  ["settings", "Settings"],
];

/** @param {any} project @param {Tab} current @returns {HTMLElement} */
export function projectHead(project, current) {
  const links = TABS.map(([tab, name]) =>
    element("a", { href: `/projects/${project.projectId}/${tab}`, "aria-current": tab === current ? "page" : null }, name),
  );
  return element(
    "div",
    {},
    element("p", { class: "path" }, element("a", { href: "/" }, "Projects"), " ›"),
    element("h1", { dir: "auto" }, project.name),
    element("nav", { class: "tabs", "aria-label": "Project" }, ...links),
  );
}
