// One image of a project in a grid: its thumbnail, its tags, and what a model says of it.

import { element } from "../../dom.js";
import { suggestedTags } from "./image_lists.js";
import { percent } from "../../words.js";

/** @typedef {{ isMulticlass: boolean, wrong?: import("./held_out.js").Said }} CellOptions `wrong`: what an iteration wrongly says of it */

/** Returns what is drawn of an image. @param {any} image @param {CellOptions} options @returns {import("../../parts/photo_grid.js").Drawn} */
export function photoCell(image, options) {
  const { text, classes } = described(image, options);
  const thumbnail = `/page/projects/${image.projectId}/images/${image.imageId}/thumbnail`;
  return { label: `${image.fileName || "Image"}, ${text}`, classes, thumbnail, caption: element("span", { class: "photo-tags", dir: "auto" }, text) };
}

/** @param {any} image @param {CellOptions} options */
function described(image, { isMulticlass, wrong }) {
  const names = image.tags.map((/** @type {any} */ tag) => tag.tagName).join(", ") || "untagged";
  const said = wrong ?? (image.isWrong ? image : undefined);
  if (said) return { text: `${names}, told wrong: ${likely(said.predictions.slice(0, 1))}`, classes: "wrong" };
  if (image.predictions) return { text: `suggested: ${likely(suggestedTags(image, isMulticlass))}`, classes: "suggested" };
  return { text: names };
}

/** @param {any[]} predictions */
function likely(predictions) {
  return predictions.map(({ tagName, probability }) => `${tagName} ${percent(probability)}`).join(", ");
}
