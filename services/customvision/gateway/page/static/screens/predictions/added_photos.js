// How many photos were added to the training images since the screen was opened, and what to do next.

import { element } from "../../dom.js";
import { counted } from "../../words.js";

/** A card that appears with the first photo. */
export class AddedPhotos {
  /** @param {string} projectId */
  constructor(projectId) {
    this._added = 0;
    this._duplicates = 0;
    this._text = element("span", { role: "status" });
    const next = element("a", { href: `/projects/${projectId}/training` }, "Train again");
    this.element = element("p", { class: "card added-photos", hidden: true }, this._text, next);
  }

  /** @param {import("./corrections.js").Outcome[]} outcomes photos that are among the training images now */
  count(outcomes) {
    this._added += outcomes.length;
    this._duplicates += outcomes.filter(({ isDuplicate }) => isDuplicate).length;
    if (!this._added) return;
    const fresh = this._added - this._duplicates;
    const known = this._duplicates ? ` ${counted(this._duplicates, "photo")} had been there before and got the tag.` : "";
    this.element.hidden = false;
    this._text.textContent = `${counted(fresh, "photo")} added to the training images.${known}`;
  }
}
