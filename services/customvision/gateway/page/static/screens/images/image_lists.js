// What a choice of filters finds: lists of images, with what a model says of them where that is asked for.

import { call } from "../../calls.js";
import { PagedList } from "../../parts/paged_list.js";
import { SequentialList } from "../../parts/sequential_list.js";

const MOST_IN_ONE_CALL = 1000;
/** From this probability on a tag counts as suggested. */
export const SUGGESTED = 0.5;

/**
 * Which images are looked at. `kind` is about the images as they are now; `iterationId` looks at those that an iteration was made of.
 *
 * @typedef {{
 *   kind: "all" | "untagged" | "tagged" | "suggestions",
 *   tagIds: string[],
 *   iterationId: string,
 *   isWrongOnly: boolean,
 *   isSurestFirst: boolean,
 * }} Filter
 */

/** @type {Filter} */
export const EVERYTHING = { kind: "all", tagIds: [], iterationId: "", isWrongOnly: false, isSurestFirst: false };

/** Returns the fields of ListImages and CountImages. @param {string} projectId @param {Filter} filter */
export function imageRequest(projectId, { kind, tagIds, iterationId }) {
  const statuses = { untagged: "TAGGING_STATUS_UNTAGGED", tagged: "TAGGING_STATUS_TAGGED", all: undefined, suggestions: undefined };
  return { projectId, tagIds, iterationId, taggingStatus: statuses[kind] };
}

/** Returns how many images a filter finds. @param {string} projectId @param {Filter} filter @returns {Promise<number>} */
export async function imageCount(projectId, filter) {
  return Number((await call("project", "CountImages", imageRequest(projectId, filter))).imageCount);
}

/** Returns the images that a filter finds, newest first. @param {string} projectId @param {Filter} filter */
export async function listedImages(projectId, filter) {
  const request = { ...imageRequest(projectId, filter), order: "IMAGE_ORDER_NEWEST_FIRST" };
  const count = await imageCount(projectId, filter);
  return new PagedList({ service: "project", method: "ListImages", request, field: "images", count });
}

/** Returns the held-out images that an iteration tells wrong, the surest errors first. @param {string} projectId @param {Filter} filter */
export async function listedErrors(projectId, { iterationId, tagIds }) {
  const request = { projectId, iterationId, tagIds, wrongOnly: true };
  const { totalCount } = await call("training", "ListImageResults", { ...request, pageSize: 1 });
  return new PagedList({
    service: "training",
    method: "ListImageResults",
    request,
    field: "results",
    count: Number(totalCount),
    complete: (results) => withImages({ projectId, iterationId }, results),
  });
}

/**
 * Returns what an iteration suggests for untagged images.
 *
 * @param {string} projectId
 * @param {string} iterationId
 * @param {Filter} filter
 * @param {number} [threshold] 0 to 1, the probability that a tag (one of the filter's, where it has some) reaches
 */
export async function listedSuggestions(projectId, iterationId, { tagIds, isSurestFirst }, threshold = tagIds.length ? SUGGESTED : 0) {
  const order = isSurestFirst ? "SUGGESTION_ORDER_MOST_CERTAIN_FIRST" : "SUGGESTION_ORDER_LEAST_CERTAIN_FIRST";
  const request = { projectId, iterationId, tagIds, threshold, order };
  const counts = Object.values(await suggestionCounts(request));
  // Every tag of the model is in every suggestion; of several tags, one image may be counted twice until all have come.
  const count = tagIds.length ? counts.reduce((sum, each) => sum + each, 0) : Math.max(0, ...counts);
  return new SequentialList({
    service: "project",
    method: "ListSuggestions",
    request,
    field: "suggestions",
    count,
    complete: (suggestions) => withImages({ projectId }, suggestions),
  });
}

/**
 * Returns how many images each tag is suggested for.
 *
 * @param {{ projectId: string, iterationId: string, tagIds?: string[], threshold?: number }} request
 * @returns {Promise<Record<string, number>>}
 */
export async function suggestionCounts({ projectId, iterationId, tagIds = [], threshold = SUGGESTED }) {
  const { counts } = await call("project", "CountSuggestions", { projectId, iterationId, tagIds, threshold });
  return Object.fromEntries(Object.entries(counts).map(([tagId, count]) => [tagId, Number(count)]));
}

/** Returns the tags that a suggestion is for: those it is rather sure of; of one tag an image, or where it is sure of none, the likeliest. @param {any} item @param {boolean} isMulticlass @returns {any[]} */
export function suggestedTags({ predictions }, isMulticlass) {
  const sure = isMulticlass ? [] : predictions.filter((/** @type {any} */ each) => each.probability >= SUGGESTED);
  return sure.length ? sure : predictions.slice(0, 1);
}

/** Returns what a model said of images together with the images. @param {{ projectId: string, iterationId?: string }} where @param {any[]} said */
async function withImages(where, said) {
  if (!said.length) return [];
  const imageIds = said.map(({ imageId }) => imageId);
  const { images } = await call("project", "ListImages", { ...where, imageIds, pageSize: MOST_IN_ONE_CALL });
  const known = new Map(images.map((/** @type {any} */ image) => [image.imageId, image]));
  return said.map(({ imageId, predictions, right }) => {
    const image = known.get(imageId) ?? { imageId, projectId: where.projectId, tags: [], tagIds: [], fileName: "" };
    return { ...image, predictions, isWrong: right === false };
  });
}
