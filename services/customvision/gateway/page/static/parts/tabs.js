// What stands above every screen of a project: where one is, and the ways to its other screens.

import { element } from "../dom.js";

/** @param {any} project @param {"images" | "settings"} current @returns {HTMLElement} */
export function projectHead(project, current) {
  const root = `/projects/${project.projectId}`;
  const tab = (/** @type {string} */ name, /** @type {string} */ href, /** @type {boolean} */ isCurrent) =>
    element("a", { href, "aria-current": isCurrent ? "page" : null }, name);
  return element(
    "div",
    {},
    element("p", { class: "path" }, element("a", { href: "/" }, "Projects"), " ›"),
    element("h1", { dir: "auto" }, project.name),
    element(
      "nav",
      { class: "tabs", "aria-label": "Project" },
      tab("Images", `${root}/images`, current === "images"),
      tab("Settings", root, current === "settings"),
    ),
  );
}
