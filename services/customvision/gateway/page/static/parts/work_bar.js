// What takes a while: how far it has come, and a way to stop it.

import { element } from "../dom.js";
import { counted } from "../words.js";

/** A place for bars that are there while something is being done. */
export class WorkBar {
  constructor() {
    this.root = element("div", {});
  }

  /**
   * Shows the bar while `work` runs, which tells how many more are done and ends where its signal says so.
   *
   * @template Result
   * @param {{ total: number, noun: string, label: string }} what
   * @param {(done: (count: number) => void, signal: AbortSignal) => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async run({ total, noun, label }, work) {
    const stopping = new AbortController();
    const bar = element("progress", { max: total, value: 0, "aria-label": label });
    const text = element("span", {}, `${label}: 0 of ${counted(total, noun)}`);
    const stop = element("button", { type: "button", onclick: () => stopping.abort() }, "Stop");
    const shown = element("div", { class: "progress" }, bar, text, stop);
    this.root.append(shown);
    // The browser asks before it leaves the page: what is not done yet would be lost.
    const leaving = (/** @type {Event} */ event) => event.preventDefault();
    addEventListener("beforeunload", leaving);
    try {
      return await work((count) => {
        bar.value += count;
        text.textContent = `${label}: ${bar.value.toLocaleString()} of ${counted(total, noun)}`;
      }, stopping.signal);
    } finally {
      removeEventListener("beforeunload", leaving);
      shown.remove();
    }
  }
}
