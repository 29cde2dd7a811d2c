// A field for a tag: one of those that there are, or a new one by its name.

import { call } from "../../calls.js";
import { element } from "../../dom.js";

/** @param {any[]} tags @param {string} label @returns {HTMLElement} */
export function tagField(tags, label) {
  return element(
    "div",
    {},
    element("label", { for: "tag" }, label),
    element("input", { id: "tag", name: "tag", list: "tag-names", required: true, maxlength: 128, autocomplete: "off" }),
    element("span", { class: "help" }, "A name that is new makes a tag."),
    element("datalist", { id: "tag-names" }, ...tags.map(({ name }) => element("option", { value: name }))),
  );
}

/**
 * Returns the id of a tag, which is made and added to `tags` where it is new.
 *
 * @param {string} projectId
 * @param {any[]} tags
 * @param {string} name
 * @returns {Promise<string>}
 */
export async function tagNamed(projectId, tags, name) {
  const known = tags.find((tag) => tag.name === name);
  if (known) return known.tagId;
  const made = await call("project", "CreateTag", { projectId, name });
  tags.push(made);
  return made.tagId;
}
