// Which screen belongs to which path, and the frame around all of them.

import { element } from "./dom.js";
import { notice } from "./parts/notices.js";
import { onNavigation, show } from "./router.js";
import { header } from "./parts/header.js";
import { NotSignedIn, toSignIn, UNREACHABLE } from "./session.js";

/** @typedef {{ title: string, content: HTMLElement, leave?: () => void }} Screen `leave` ends what the screen began. */

/** @typedef {(...names: string[]) => Promise<Screen>} Opening */

/** The first screen waits for no script of another. @type {[RegExp, () => Promise<Opening>][]} */
const SCREENS = [
  [/^\/sign-in$/, async () => (await import("./screens/sign_in.js")).signInScreen],
  [/^\/$/, async () => (await import("./screens/projects.js")).projectsScreen],
  [/^\/projects\/([^/]+)\/images$/, async () => (await import("./screens/images/images.js")).imagesScreen],
  [/^\/projects\/([^/]+)\/training$/, async () => (await import("./screens/training/training.js")).trainingScreen],
  [/^\/projects\/([^/]+)\/performance(?:\/([^/]+))?$/, async () => (await import("./screens/performance/performance.js")).performanceScreen],
  [/^\/projects\/([^/]+)\/quick-test$/, async () => (await import("./screens/quick_test/quick_test.js")).quickTestScreen],
  [/^\/projects\/([^/]+)\/predictions$/, async () => (await import("./screens/predictions/predictions.js")).predictionsScreen],
  [/^\/projects\/([^/]+)(?:\/settings)?$/, async () => (await import("./screens/settings/settings.js")).settingsScreen],
];

let turns = 0;
/** @type {() => void} */
let leave = () => undefined;

async function render() {
  const turn = ++turns;
  const path = location.pathname;
  const found = SCREENS.map(([pattern, load]) => ({ match: pattern.exec(path), load })).find(({ match }) => match);
  try {
    const names = found?.match?.slice(1).map((name) => decodeURIComponent(name ?? ""));
    const screen = found && names ? await (await loaded(found.load))(...names) : nowhere();
    if (turn === turns) put(screen);
    else screen.leave?.();
  } catch (error) {
    if (error instanceof NotSignedIn) toSignIn();
    else if (turn === turns) put(failed(/** @type {Error} */ (error)));
  }
}

/** @param {() => Promise<Opening>} load @returns {Promise<Opening>} */
async function loaded(load) {
  try {
    return await load();
  } catch {
    throw new Error(UNREACHABLE);
  }
}

/** Has the other screens' scripts come, once nobody waits for them any more. */
async function loadOthers() {
  for (const [, load] of SCREENS) await load();
}

/** @param {Screen} screen */
function put(screen) {
  // What is asked on the screen that is being left is asked no more.
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  leave();
  leave = screen.leave ?? (() => undefined);
  const content = /** @type {HTMLElement} */ (document.getElementById("content"));
  document.title = `${screen.title} · Custom Vision`;
  document.getElementById("header")?.replaceChildren(...header(location.pathname));
  content.replaceChildren(screen.content);
  /** @type {HTMLElement} */ (content.querySelector("[autofocus]") ?? content).focus({ preventScroll: true });
}

/** @returns {Screen} */
function nowhere() {
  const home = element("p", { class: "ways" }, element("a", { href: "/" }, "All projects"));
  const why = element("p", {}, "There is nothing at this address. Check how it is spelled, or go on from your projects.");
  return { title: "Not found", content: element("section", {}, element("h1", {}, "Nothing here"), why, home) };
}

/** @param {Error} error @returns {Screen} */
function failed(error) {
  const again = element("button", { type: "button", onclick: () => show(location.pathname + location.search) }, "Try again");
  // What the address asks for may be gone.
  const unfiltered = location.search && element("a", { href: location.pathname }, "Without the filter");
  const ways = element("p", { class: "ways" }, again, unfiltered, element("a", { href: "/" }, "All projects"));
  const content = element("section", {}, element("h1", {}, "This did not work"), element("p", {}, error.message), ways);
  return { title: "Error", content };
}

addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof NotSignedIn) toSignIn();
  else notice(event.reason instanceof Error ? event.reason.message : String(event.reason), { isError: true });
});
onNavigation(render);
render().then(loadOthers).catch(() => undefined);
