// What can be done with the selected images.

import { element } from "../../dom.js";
import { counted } from "../../words.js";
import { openDialog } from "../../parts/dialog.js";

/**
 * @typedef {{
 *   tags: () => any[],
 *   give: (name: string) => Promise<void>,
 *   take: (tag: any) => Promise<void>,
 *   remove: () => void,
 *   clear: () => void,
 *   confirm: () => void,
 *   isMulticlass: boolean,
 * }} SelectionActions `give` makes a tag of a name that is new
 */

/** A bar that is there while something is selected. */
export class SelectionBar {
  /** @param {SelectionActions} actions */
  constructor(actions) {
    this._actions = actions;
    this.root = element("div", { class: "actions", role: "toolbar", "aria-label": "Selected images", hidden: true });
  }

  /** @param {number} count how many are selected @param {boolean} isSuggested they have suggestions to confirm */
  show(count, isSuggested) {
    this.root.hidden = !count;
    this.root.replaceChildren(
      element("strong", { role: "status" }, `${counted(count, "image")} selected`),
      ...(isSuggested ? [element("button", { type: "button", class: "primary", onclick: this._actions.confirm }, "Confirm the suggested tags")] : []),
      element("button", { type: "button", onclick: () => this._askForTag() }, "Tag…"),
      element("button", { type: "button", onclick: () => this._askForTagToTake() }, "Untag…"),
      element("button", { type: "button", onclick: this._actions.remove }, "Delete"),
      element("button", { type: "button", class: "quiet", onclick: this._actions.clear }, "Select none"),
    );
  }

  _askForTag() {
    const names = element("datalist", { id: "tag-names" }, ...this._actions.tags().map(({ name }) => element("option", { value: name })));
    openDialog({
      title: "Tag the selected images",
      content: [
        element("label", { for: "tag" }, "Tag"),
        element("input", { id: "tag", name: "tag", list: "tag-names", required: true, maxlength: 128, autocomplete: "off" }),
        element("span", { class: "help" }, "A name that is new makes a tag."),
        this._actions.isMulticlass && element("p", { class: "help" }, "Each image has one tag here: it takes the place of the one before."),
        names,
      ],
      action: "Tag",
      submit: (fields) => this._actions.give(String(fields.get("tag"))),
    });
  }

  _askForTagToTake() {
    const options = this._actions.tags().map(({ tagId, name }) => element("option", { value: tagId }, name));
    openDialog({
      title: "Take a tag from the selected images",
      content: [element("label", { for: "tag" }, "Tag"), element("select", { id: "tag", name: "tag", required: true }, ...options)],
      action: "Untag",
      submit: (fields) => this._actions.take(this._actions.tags().find(({ tagId }) => tagId === fields.get("tag"))),
    });
  }
}
