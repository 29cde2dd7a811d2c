// Sentences that appear for a moment, and are read aloud by screen readers.

import { element } from "../dom.js";

const SHOWN_MILLISECONDS = 8000;

/**
 * Shows a sentence; an error stays until it is closed. `action` is what can be done about it meanwhile, and `ended` is called once
 * when it is gone, however it went. Returns what closes it.
 *
 * @param {string} sentence
 * @param {{ isError?: boolean, action?: { name: string, run: () => void }, ended?: () => void }} [options]
 * @returns {() => void}
 */
export function notice(sentence, { isError = false, action, ended = () => {} } = {}) {
  let timer = 0;
  let isThere = true;
  const end = () => {
    clearTimeout(timer);
    // The keyboard goes on where the notice was: in the dialog, or on the screen.
    if (shown.contains(document.activeElement)) (shown.closest("dialog") ?? document.getElementById("content"))?.focus();
    shown.remove();
    if (isThere) ended();
    isThere = false;
  };
  const close = element("button", { type: "button", "aria-label": "Close", onclick: end }, "×");
  const act = action && element("button", { type: "button", class: "notice-action", onclick: action.run }, action.name);
  const shown = element("div", { class: isError ? "notice error" : "notice" }, element("span", {}, sentence), act, close);
  if (!isError) {
    // Who reads or is about to press something has the time for it.
    const begin = () => void (timer = setTimeout(end, SHOWN_MILLISECONDS));
    for (const name of ["pointerenter", "focusin"]) shown.addEventListener(name, () => clearTimeout(timer));
    for (const name of ["pointerleave", "focusout"]) shown.addEventListener(name, () => isThere && begin());
    begin();
  }
  place()?.append(shown);
  return end;
}

/** Returns a place for notices in a dialog that hides the page's own; the page's takes over what is shown when it closes. */
export function noticesInside() {
  return element("div", { class: "notices", role: "status", "aria-live": "polite" });
}

/** Moves what is shown to the page's own place. @param {HTMLElement} inside */
export function moveNotices(inside) {
  document.getElementById("notices")?.append(...inside.childNodes);
}

function place() {
  return document.querySelector("dialog[open] .notices") ?? document.getElementById("notices");
}
