// Sentences that appear for a moment, and are read aloud by screen readers.

import { element } from "../dom.js";

const SHOWN_MILLISECONDS = 8000;

/**
 * Shows a sentence; an error stays until it is closed.
 *
 * @param {string} sentence
 * @param {{ isError?: boolean }} [options]
 */
export function notice(sentence, { isError = false } = {}) {
  const close = element("button", { type: "button", "aria-label": "Close", onclick: () => shown.remove() }, "×");
  const shown = element("div", { class: isError ? "notice error" : "notice" }, element("span", {}, sentence), close);
  document.getElementById("notices")?.append(shown);
  if (!isError) setTimeout(() => shown.remove(), SHOWN_MILLISECONDS);
}
