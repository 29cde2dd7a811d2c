// Signing in, with a key or with the link that `customvision up` prints.

import { element } from "../dom.js";
import { show } from "../router.js";
import { pathAfterSignIn, signIn } from "../session.js";

/** @returns {Promise<import("../main.js").Screen>} */
export async function signInScreen() {
  const token = location.hash.slice(1);
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  if (token) {
    // Neither the history nor what is sent anywhere keeps it.
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await signIn({ token });
      show(pathAfterSignIn(), { replace: true });
      return { title: "Signing in", content: element("section", {}, "Signing in…") };
    } catch (error) {
      tell(problem, error);
    }
  }
  const key = element("input", {
    id: "key",
    name: "key",
    type: "password",
    autocomplete: "current-password",
    required: true,
    autofocus: true,
    "aria-describedby": "key-help",
  });
  const form = element(
    "form",
    { class: "card narrow" },
    element("h1", {}, "Sign in"),
    element("label", { for: "key" }, "Training key"),
    key,
    element("p", { id: "key-help", class: "help" }, "`customvision up` prints a link that signs in at once; `customvision keys` shows the key."),
    problem,
    element("div", { class: "buttons" }, element("button", { type: "submit", class: "primary" }, "Sign in")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await signIn({ key: key.value });
      show(pathAfterSignIn(), { replace: true });
    } catch (error) {
      tell(problem, error);
      key.select();
    }
  });
  return { title: "Sign in", content: form };
}

/** @param {HTMLElement} problem @param {unknown} error */
function tell(problem, error) {
  problem.textContent = error instanceof Error ? error.message : String(error);
  problem.hidden = false;
}
