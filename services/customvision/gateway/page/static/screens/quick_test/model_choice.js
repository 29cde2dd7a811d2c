// Which model to ask: what is published, by its name, or any completed iteration, published or not.

import { element } from "../../dom.js";
import { date } from "../../words.js";

/** @typedef {{ iterationId: string } | { publishName: string }} Model */

/**
 * Returns a field, and what tells which model is chosen in it: the newest iteration at first.
 *
 * @param {any[]} completed iterations, newest first; at least one
 * @returns {{ field: HTMLElement, chosen: () => Model }}
 */
export function modelChoice(completed) {
  /** @type {{ label: string, model: Model }[]} */
  const iterations = completed.map(({ iterationId, name, createTime }) => ({ label: `${name} · ${date(createTime)}`, model: { iterationId } }));
  const published = completed
    .filter(({ publishName }) => publishName)
    .map(({ publishName, name }) => ({ label: `${publishName} · ${name}`, model: { publishName } }));
  const choices = [...iterations, ...published];
  const options = choices.map(({ label }, index) => element("option", { value: index }, label));
  const select = element(
    "select",
    { id: "model" },
    element("optgroup", { label: "Iterations" }, ...options.slice(0, iterations.length)),
    published.length > 0 && element("optgroup", { label: "As published" }, ...options.slice(iterations.length)),
  );
  return {
    field: element("div", {}, element("label", { for: "model" }, "Model"), select),
    chosen: () => choices[Number(select.value)].model,
  };
}
