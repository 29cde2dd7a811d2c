// Asking a model about untagged images.

import { call } from "../../calls.js";

const MOST_ASKED = 64;
const MOST_LISTED = 1000;

/**
 * Asks an iteration about images; what it answers is kept as suggestions.
 *
 * @param {string} projectId
 * @param {string} iterationId
 * @param {string[]} imageIds
 * @param {(count: number) => void} done
 * @param {AbortSignal} [signal] ends it
 */
export async function suggest(projectId, iterationId, imageIds, done, signal) {
  for (let first = 0; first < imageIds.length && !signal?.aborted; first += MOST_ASKED) {
    const asked = imageIds.slice(first, first + MOST_ASKED);
    await call("prediction", "SuggestTags", { projectId, iterationId, imageIds: asked });
    done(asked.length);
  }
}

/**
 * Returns the untagged images that the iteration has not been asked about.
 *
 * @param {string} projectId
 * @param {string} iterationId
 * @returns {Promise<string[]>}
 */
export async function withoutSuggestion(projectId, iterationId) {
  const known = new Set(await idsOf("ListSuggestions", { projectId, iterationId }, "suggestions"));
  const untagged = await idsOf("ListImages", { projectId, taggingStatus: "TAGGING_STATUS_UNTAGGED" }, "images");
  return untagged.filter((imageId) => !known.has(imageId));
}

/** @param {string} method @param {object} request @param {string} field @returns {Promise<string[]>} */
async function idsOf(method, request, field) {
  const ids = [];
  let pageToken = "";
  do {
    const page = await call("project", method, { ...request, pageSize: MOST_LISTED, pageToken });
    for (const { imageId } of page[field]) ids.push(imageId);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return ids;
}
