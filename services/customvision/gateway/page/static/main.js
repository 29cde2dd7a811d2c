// Which screen belongs to which path, and the frame around all of them.

import { element } from "./dom.js";
import { notice } from "./parts/notices.js";
import { onNavigation, show } from "./router.js";
import { header } from "./parts/header.js";
import { imagesScreen } from "./screens/images/images.js";
import { performanceScreen } from "./screens/performance/performance.js";
import { predictionsScreen } from "./screens/predictions/predictions.js";
import { projectsScreen } from "./screens/projects.js";
import { quickTestScreen } from "./screens/quick_test/quick_test.js";
import { settingsScreen } from "./screens/settings/settings.js";
import { signInScreen } from "./screens/sign_in.js";
import { trainingScreen } from "./screens/training/training.js";
import { NotSignedIn, toSignIn } from "./session.js";

/** @typedef {{ title: string, content: HTMLElement, leave?: () => void }} Screen `leave` ends what the screen began. */

/** @type {[RegExp, (...names: string[]) => Promise<Screen>][]} */
const SCREENS = [
  [/^\/sign-in$/, signInScreen],
  [/^\/$/, projectsScreen],
  [/^\/projects\/([^/]+)\/images$/, imagesScreen],
  [/^\/projects\/([^/]+)\/training$/, trainingScreen],
  [/^\/projects\/([^/]+)\/performance(?:\/([^/]+))?$/, performanceScreen],
  [/^\/projects\/([^/]+)\/quick-test$/, quickTestScreen],
  [/^\/projects\/([^/]+)\/predictions$/, predictionsScreen],
  [/^\/projects\/([^/]+)(?:\/settings)?$/, settingsScreen],
];

let turns = 0;
/** @type {() => void} */
let leave = () => undefined;

async function render() {
  const turn = ++turns;
  const path = location.pathname;
  const found = SCREENS.map(([pattern, screen]) => ({ match: pattern.exec(path), screen })).find(({ match }) => match);
  try {
    const names = found?.match?.slice(1).map((name) => decodeURIComponent(name ?? ""));
    const screen = found && names ? await found.screen(...names) : nowhere();
    if (turn === turns) put(screen);
    else screen.leave?.();
  } catch (error) {
    if (error instanceof NotSignedIn) toSignIn();
    else if (turn === turns) put(failed(/** @type {Error} */ (error)));
  }
}

/** @param {Screen} screen */
function put(screen) {
  leave();
  leave = screen.leave ?? (() => undefined);
  const content = /** @type {HTMLElement} */ (document.getElementById("content"));
  document.title = `${screen.title} · Custom Vision`;
  document.getElementById("header")?.replaceChildren(...header(location.pathname));
  content.replaceChildren(screen.content);
  content.focus({ preventScroll: true });
}

/** @returns {Screen} */
function nowhere() {
  const home = element("a", { href: "/" }, "All projects");
  return { title: "Not found", content: element("section", {}, element("h1", {}, "There is nothing here"), home) };
}

/** @param {Error} error @returns {Screen} */
function failed(error) {
  const again = element("button", { type: "button", onclick: () => show(location.pathname) }, "Try again");
  const content = element("section", {}, element("h1", {}, "This did not work"), element("p", {}, error.message), again);
  return { title: "Error", content };
}

addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof NotSignedIn) toSignIn();
  else notice(event.reason instanceof Error ? event.reason.message : String(event.reason), { isError: true });
});
onNavigation(render);
render();
