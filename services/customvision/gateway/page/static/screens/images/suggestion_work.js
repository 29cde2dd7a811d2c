// Suggestions of an iteration: having them made, and confirming them.

import { suggestedTags } from "./image_lists.js";
import { suggest, withoutSuggestion } from "./suggesting.js";
import { counted } from "../../words.js";
import { notice } from "../../parts/notices.js";

/**
 * Asks an iteration about all untagged images that it has not been asked about.
 *
 * @param {any} iteration
 * @param {import("../../parts/work_bar.js").WorkBar} bar
 */
export async function suggestForAll({ projectId, iterationId }, bar) {
  const imageIds = await withoutSuggestion(projectId, iterationId);
  let asked = 0;
  await bar.run({ total: imageIds.length, noun: "image", label: "Images looked at" }, (done, signal) => {
    const each = (/** @type {number} */ count) => {
      asked += count;
      done(count);
    };
    return suggest(projectId, iterationId, imageIds, each, signal);
  });
  notice(`${counted(asked, "image")} looked at.`);
}

/**
 * Gives images the tags that are suggested for them.
 *
 * @param {import("./image_changes.js").ImageChanges} changes
 * @param {AsyncIterable<any[]> | Iterable<any[]>} batches of images with their suggestions
 * @param {boolean} isMulticlass
 * @param {() => Promise<void>} changed
 */
export async function confirmSuggested(changes, batches, isMulticlass, changed) {
  await changes.change(
    async (change) => {
      for await (const items of batches) {
        for (const [tagId, imageIds] of byTag(items, isMulticlass)) await change.give(imageIds, tagId);
      }
    },
    (count) => `${counted(count, "suggestion")} confirmed.`,
    changed,
  );
}

/** @param {any[]} items @param {boolean} isMulticlass */
function byTag(items, isMulticlass) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const item of items) {
    for (const { tagId } of suggestedTags(item, isMulticlass)) {
      const imageIds = found.get(tagId) ?? [];
      imageIds.push(item.imageId);
      found.set(tagId, imageIds);
    }
  }
  return found;
}
