// What the images of a project can be filtered by, with how many images each choice finds.

import { callForAll } from "../../calls.js";
import { EVERYTHING, imageCount, suggestionCounts } from "./image_lists.js";

const MOST_IN_ONE_CALL = 1000;

/**
 * `tags` are those of the project; `chips` those of what is looked at. `iteration` is the newest completed one, if there is one.
 *
 * @typedef {{
 *   tags: any[],
 *   chips: import("./tag_chips.js").Chip[],
 *   counts: Record<import("./image_lists.js").Filter["kind"], number>,
 *   iterations: any[],
 *   iteration: any,
 * }} Choices
 */

/** @param {string} projectId @param {import("./image_lists.js").Filter} filter @returns {Promise<Choices>} */
export async function imageChoices(projectId, { kind, iterationId }) {
  const [tags, everyIteration, all, untagged] = await Promise.all([
    tagsOf(projectId, ""),
    callForAll("project", "ListIterations", { projectId, pageSize: MOST_IN_ONE_CALL }, "iterations"),
    imageCount(projectId, { ...EVERYTHING, iterationId }),
    imageCount(projectId, { ...EVERYTHING, kind: "untagged" }),
  ]);
  const iterations = everyIteration.filter(({ status }) => status === "ITERATION_STATUS_COMPLETED");
  const iteration = iterations[0];
  const counts = { all, untagged, tagged: all - untagged, suggestions: iteration ? await suggestionCount(iteration) : 0 };
  return { tags, chips: await chipsOf(projectId, { kind, iterationId, tags, iteration }), counts, iterations, iteration };
}

/** @param {string} projectId @param {{ kind: string, iterationId: string, tags: any[], iteration: any }} seen */
async function chipsOf(projectId, { kind, iterationId, tags, iteration }) {
  if (iterationId) return (await tagsOf(projectId, iterationId)).map(chip);
  if (kind !== "suggestions") return tags.map(chip);
  const counts = iteration ? await suggestionCounts(iteration) : {};
  return tags.filter(({ tagId }) => tagId in counts).map(({ tagId, name }) => ({ tagId, name, count: counts[tagId] }));
}

/** Returns how many images an iteration has suggestions for: each has every tag. @param {any} iteration */
async function suggestionCount({ projectId, iterationId }) {
  return Math.max(0, ...Object.values(await suggestionCounts({ projectId, iterationId, threshold: 0 })));
}

/** @param {string} projectId @param {string} iterationId */
function tagsOf(projectId, iterationId) {
  return callForAll("project", "ListTags", { projectId, iterationId, pageSize: MOST_IN_ONE_CALL }, "tags");
}

/** @param {any} tag */
function chip({ tagId, name, imageCount: count }) {
  return { tagId, name, count: Number(count) };
}
