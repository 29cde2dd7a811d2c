// What still lacks before a training can start, and what would make it better: the service decides, here it is told.

import { call, callForAll } from "../../calls.js";
import { element } from "../../dom.js";
import { counted } from "../../words.js";

const MOST_NAMED = 10;
// What docs and examples advise; below it a training works, but not well.
const GOOD_COUNT = 30;
const UNEVEN = 5;

/** @typedef {{ reason: string, message: string, metadata: Record<string, string> }} Refusal an empty reason: none */
/** @typedef {{ tags: any[], untaggedCount: number, backboneRemarks: (Node | string)[][] }} Material what there is to train with */

/**
 * Returns what a project's trainings have to work with.
 *
 * @param {string} projectId
 * @param {any[]} iterations newest first
 * @returns {Promise<Material>}
 */
export async function trainingMaterial(projectId, iterations) {
  const [tags, untagged, backbone] = await Promise.all([
    callForAll("project", "ListTags", { projectId, pageSize: 1000 }, "tags"),
    call("project", "CountImages", { projectId, taggingStatus: "TAGGING_STATUS_UNTAGGED" }),
    call("training", "GetBackbone", { projectId }),
  ]);
  const newest = iterations.find(({ status }) => status === "ITERATION_STATUS_COMPLETED");
  return { tags, untaggedCount: Number(untagged.imageCount), backboneRemarks: remarksOn(backbone, newest?.warnings ?? []) };
}

/**
 * Returns what stands against a training, or that nothing does, and what is worth knowing before.
 *
 * @param {Refusal} refusal
 * @param {Material} material
 * @param {string[]} selectedTagIds none: all
 * @param {string} projectId
 * @returns {Node[]}
 */
export function trainingNeeds(refusal, material, selectedTagIds, projectId) {
  const tags = material.tags.filter(({ tagId, imageCount }) => (selectedTagIds.length ? selectedTagIds.includes(tagId) : Number(imageCount)));
  const lacks = lacking(refusal, tags);
  const remarks = [
    ...unusedRemarks(material, selectedTagIds),
    // Tags that lack images need no remark as well.
    ...(lacks.length ? [] : countRemarks(tags)),
    ...material.backboneRemarks,
  ];
  const told = [
    element("p", { class: refusal.reason ? "needed" : "ready" }, refusal.message || `Ready to train with ${counted(tags.length, "tag")}.`),
    lacks.length > 0 && element("ul", { class: "lacks", "aria-label": "What still lacks" }, ...named(lacks)),
    remarks.length > 0 && element("ul", { class: "advice", "aria-label": "Worth knowing" }, ...remarks.map((remark) => element("li", {}, ...remark))),
    (refusal.reason || remarks.length > 0) && element("a", { href: `/projects/${projectId}/images` }, "Add, tag and see images"),
  ];
  return told.filter((each) => each instanceof Node);
}

/** Returns the tags that have fewer images than the refusal says are required. @param {Refusal} refusal @param {any[]} tags */
function lacking({ reason, metadata }, tags) {
  if (reason !== "TOO_FEW_IMAGES") return [];
  const required = Number(metadata.required);
  return tags.filter(({ imageCount }) => imageCount < required).map(({ name, imageCount }) => ({ name, missing: required - imageCount }));
}

/** @param {{ name: string, missing: number }[]} lacks */
function named(lacks) {
  const items = lacks.slice(0, MOST_NAMED).map(({ name, missing }) => element("li", {}, element("bdi", {}, name), ` needs ${counted(missing, "more image")}`));
  const others = lacks.length - MOST_NAMED;
  return others > 0 ? [...items, element("li", {}, `and ${counted(others, "more tag")}`)] : items;
}

/** @param {any} backbone GetBackboneResponse @param {string[]} known warnings that were told already @returns {(Node | string)[][]} */
function remarksOn({ failureReason, warning, improvableIterations }, known) {
  const improvable = improvableIterations.map((/** @type {any} */ { iterationName }) => [
    element("bdi", {}, iterationName),
    " is published and would gain from training again: better weights are there now.",
  ]);
  const sentences = [failureReason, warning].filter((sentence) => sentence && !known.includes(sentence));
  return [...sentences.map((sentence) => [sentence]), ...improvable];
}

/** @param {Material} material @param {string[]} selectedTagIds @returns {(Node | string)[][]} */
function unusedRemarks({ tags, untaggedCount }, selectedTagIds) {
  const empty = selectedTagIds.length ? [] : tags.filter(({ imageCount }) => !Number(imageCount));
  return [
    ...(untaggedCount ? [[`${counted(untaggedCount, "image")} without a tag: nothing is learned from ${untaggedCount === 1 ? "it" : "them"}.`]] : []),
    ...(empty.length ? [[...names(empty), ` ${empty.length === 1 ? "has" : "have"} no images yet, and ${empty.length === 1 ? "is" : "are"} left out.`]] : []),
  ];
}

/** @param {any[]} tags @returns {(Node | string)[][]} */
function countRemarks(tags) {
  if (!tags.length) return [];
  const sorted = [...tags].sort((one, other) => one.imageCount - other.imageCount);
  const [fewest, most] = [sorted[0], sorted[sorted.length - 1]];
  const few = sorted.filter(({ imageCount }) => imageCount < GOOD_COUNT);
  return [
    ...(few.length ? [[...names(few), ` ${few.length === 1 ? "has" : "have"} fewer than ${GOOD_COUNT} images; from about there on it gets good.`]] : []),
    ...(most.imageCount > UNEVEN * fewest.imageCount
      ? [[...names([most]), ` has ${counted(most.imageCount, "image")}, `, ...names([fewest]), ` only ${fewest.imageCount}. More of what is rare helps most.`]]
      : []),
  ];
}

/** @param {any[]} tags @returns {(Node | string)[]} */
function names(tags) {
  const shown = tags.slice(0, 3).flatMap(({ name }, index) => [...(index ? [", "] : []), element("bdi", {}, name)]);
  return tags.length > 3 ? [...shown, ` and ${counted(tags.length - 3, "more tag")}`] : shown;
}
