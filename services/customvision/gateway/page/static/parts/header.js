// What stands above every screen.

import { element } from "../dom.js";
import { signOut } from "../session.js";

/** @param {string} path @returns {Node[]} */
export function header(path) {
  const icon = element("img", { src: "/page/files/icon.svg", alt: "", width: 28, height: 28 });
  const home = element("a", { class: "brand", href: "/" }, icon, "Custom Vision");
  if (path === "/sign-in") return [home];
  const links = element(
    "nav",
    { "aria-label": "Main" },
    element("a", { href: "/", "aria-current": path === "/" ? "page" : null }, "Projects"),
    element("a", { href: "/docs", target: "_blank", rel: "noopener" }, "REST API"),
    element("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out"),
  );
  return [home, links];
}
