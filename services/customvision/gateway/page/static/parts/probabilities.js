// What a model answers: each tag with its probability, as a bar.

import { element } from "../dom.js";
import { percent } from "../words.js";

/**
 * Returns the likeliest tags, likeliest first.
 *
 * @param {any[]} predictions TagProbability of each tag, likeliest first
 * @param {{ most?: number }} [options]
 * @returns {HTMLElement}
 */
export function probabilities(predictions, { most = 5 } = {}) {
  return element("ul", { class: "probabilities" }, ...predictions.slice(0, most).map(line));
}

/** @param {any} prediction */
function line({ tagName, probability }) {
  return element(
    "li",
    {},
    element("span", { class: "probability-tag", dir: "auto" }, tagName),
    element("meter", { min: 0, max: 1, value: probability, "aria-label": tagName }),
    element("span", { class: "probability-figure" }, percent(probability)),
  );
}
