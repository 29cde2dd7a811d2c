// One image of a project in a grid: its thumbnail, its tags, and what a model says of it.

import { element } from "../dom.js";
import { suggestedTags } from "../image_lists.js";
import { percent } from "../words.js";

/**
 * Returns what is drawn of an image.
 *
 * @param {any} image
 * @param {{ isMulticlass: boolean, wrong?: import("../held_out.js").Said }} options `wrong`: what an iteration wrongly says of it
 * @returns {import("./photo_grid.js").Drawn}
 */
export function photoCell(image, { isMulticlass, wrong }) {
  const names = image.tags.map((/** @type {any} */ tag) => tag.tagName).join(", ") || "untagged";
  const said = wrong ?? (image.isWrong ? image : undefined);
  const suggested = image.predictions && !said ? suggestedTags(image, isMulticlass) : [];
  const name = image.fileName || "Image";
  if (said) {
    const [{ tagName, probability }] = said.predictions;
    const text = `${tagName} ${percent(probability)}`;
    return { label: `${name}, ${names}, told wrong: ${text}`, classes: "wrong", content: [thumbnail(image), caption(names), badge(`✗ ${text}`)] };
  }
  if (suggested.length) {
    const text = suggested.map((/** @type {any} */ tag) => `${tag.tagName} ${percent(tag.probability)}`).join(", ");
    return { label: `${name}, suggested: ${text}`, classes: "suggested", content: [thumbnail(image), caption(text)] };
  }
  return { label: `${name}, ${names}`, content: [thumbnail(image), caption(names)] };
}

/** @param {any} image */
function thumbnail(image) {
  const source = `/page/projects/${image.projectId}/images/${image.imageId}/thumbnail`;
  return element("img", { src: source, alt: "", width: 160, height: 160, draggable: "false" });
}

/** @param {string} text */
function caption(text) {
  return element("span", { class: "photo-tags", dir: "auto" }, text);
}

/** @param {string} text */
function badge(text) {
  return element("span", { class: "photo-badge", dir: "auto" }, text);
}
