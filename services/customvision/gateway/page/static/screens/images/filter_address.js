// Which images are looked at, as the query of the address: a reload, the way back and a shared link keep it.

import { EVERYTHING } from "./image_lists.js";

/** @typedef {import("./image_lists.js").Filter} Filter */

/** @type {Filter["kind"][]} */
const KINDS = ["all", "tagged", "untagged", "suggestions"];

/** Returns the filter that a query names; what it does not name is left out of it. @param {string} query @returns {Filter} */
export function filterOf(query) {
  const named = new URLSearchParams(query);
  return {
    kind: KINDS.find((kind) => kind === named.get("show")) ?? EVERYTHING.kind,
    tagIds: named.getAll("tag"),
    iterationId: named.get("iteration") ?? "",
    // Only an iteration tells something wrong.
    isWrongOnly: named.has("iteration") && named.get("told") === "wrong",
    isSurestFirst: named.get("order") === "surest",
  };
}

/** Returns the query that names a filter; none where it finds everything. @param {Filter} filter */
export function queryOf({ kind, tagIds, iterationId, isWrongOnly, isSurestFirst }) {
  const named = new URLSearchParams();
  if (kind !== EVERYTHING.kind) named.set("show", kind);
  for (const tagId of tagIds) named.append("tag", tagId);
  if (iterationId) named.set("iteration", iterationId);
  if (isWrongOnly) named.set("told", "wrong");
  if (isSurestFirst) named.set("order", "surest");
  return named.size ? `?${named}` : "";
}
