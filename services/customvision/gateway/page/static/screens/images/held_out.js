// What an iteration says of the images that were held out of it.

import { call } from "../../calls.js";

const MOST_IN_ONE_CALL = 1000;
const TAGS_KEPT = 5;

/** @typedef {{ isRight: boolean, predictions: any[] }} Said */

/**
 * Returns, by image, what an iteration says of those held out of it.
 *
 * @param {{ projectId: string, iterationId: string, wrongOnly?: boolean }} request
 * @param {AbortSignal} signal ends it with what has come until then
 * @returns {Promise<Map<string, Said>>}
 */
export async function saidOfHeldOut(request, signal) {
  const said = new Map();
  let pageToken = "";
  do {
    const page = await call("training", "ListImageResults", { ...request, pageSize: MOST_IN_ONE_CALL, pageToken });
    for (const { imageId, right, predictions } of page.results) {
      said.set(imageId, { isRight: right, predictions: predictions.slice(0, TAGS_KEPT) });
    }
    pageToken = page.nextPageToken;
  } while (pageToken && !signal.aborted);
  return said;
}
