// From kept predictions to training images: which tags are right, and adding photos with them.

import { call } from "../../calls.js";
import { MULTILABEL } from "../../parts/project_fields.js";

const MOST_ADDED = 64;
const MOST_DELETED = 1000;
const LIKELY = 0.5;
const DUPLICATE = "IMAGE_CREATE_STATUS_OK_DUPLICATE";

/** @typedef {{ predictionId: string, tagIds: string[] }} Correction */
/** @typedef {{ predictionId: string, isAdded: boolean, isDuplicate: boolean, message: string }} Outcome */

/**
 * Returns the tags that a prediction stands for: the likeliest, and in a project of several tags per image all that are
 * at least as likely as not. None, where the project has them no more.
 *
 * @param {any} prediction
 * @param {any} project
 * @param {any[]} tags those of the project
 */
export function answeredTags(prediction, project, tags) {
  const isLikely = (/** @type {any} */ { probability }) => project.classificationType === MULTILABEL && probability >= LIKELY;
  const named = prediction.predictions.filter((/** @type {any} */ each, /** @type {number} */ index) => index === 0 || isLikely(each));
  const ids = new Set(tags.map(({ tagId }) => tagId));
  return named.map((/** @type {any} */ { tagId }) => tagId).filter((/** @type {string} */ tagId) => ids.has(tagId));
}

/**
 * Makes training images of predictions, as many at a time as one call takes; `told` hears what became of each batch.
 *
 * @param {string} projectId
 * @param {Correction[]} corrections
 * @param {(outcomes: Outcome[]) => void} told
 */
export async function addToTraining(projectId, corrections, told) {
  for (const batch of batches(corrections, MOST_ADDED)) {
    const { results } = await call("project", "CreateImagesFromPredictions", { projectId, corrections: batch });
    told(
      results.map((/** @type {any} */ { status, imageId, message }, /** @type {number} */ index) => ({
        predictionId: batch[index].predictionId,
        isAdded: Boolean(imageId),
        isDuplicate: status === DUPLICATE,
        message,
      })),
    );
  }
}

/** @param {string} projectId @param {string[]} ids @param {(ids: string[]) => void} told hears of each batch that is gone */
export async function deletePredictions(projectId, ids, told) {
  for (const predictionIds of batches(ids, MOST_DELETED)) {
    await call("project", "DeletePredictions", { projectId, predictionIds });
    told(predictionIds);
  }
}

/**
 * @template Item
 * @param {Item[]} items
 * @param {number} size
 */
function* batches(items, size) {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size);
}
