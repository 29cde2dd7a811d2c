// Photos that an iteration was measured on. Some may have been deleted since.

import { call } from "../../calls.js";
import { element } from "../../dom.js";

/** Returns what finds the images that are still there. @param {string} projectId @param {string[]} imageIds @returns {Promise<Map<string, any>>} */
export async function imagesThatAreThere(projectId, imageIds) {
  if (!imageIds.length) return new Map();
  const { images } = await call("project", "ListImages", { projectId, imageIds, pageSize: imageIds.length });
  return new Map(images.map((/** @type {any} */ image) => [image.imageId, image]));
}

/** Returns a thumbnail that leads to the whole photo. @param {any} image undefined where it was deleted since */
export function heldOutPhoto(image) {
  if (!image) return element("div", { class: "held-out-photo gone" }, "This image was deleted since.");
  const { projectId, imageId, fileName } = image;
  const source = `/page/projects/${projectId}/images/${imageId}`;
  const name = fileName || "Image";
  return element(
    "a",
    { class: "held-out-photo", href: `${source}/full`, target: "_blank", rel: "noopener", "aria-label": `${name}, open the photo` },
    element("img", { src: `${source}/thumbnail`, alt: "", title: name, loading: "lazy", width: 160, height: 160 }),
  );
}
