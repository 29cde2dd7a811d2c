// Adding photos: by drop or by choosing files or a folder, with how far it has come.

import { element } from "../../dom.js";
import { droppedPhotos, photosOf, upload } from "../../uploads.js";
import { counted } from "../../words.js";
import { notice } from "../../parts/notices.js";

// What did not go wrong: a photo that is there already gets its new tags.
const TAKEN = new Set(["IMAGE_CREATE_STATUS_OK", "IMAGE_CREATE_STATUS_OK_DUPLICATE"]);

/** The place where photos are dropped, and its buttons. */
export class PhotoAdding {
  /**
   * @param {{
   *   projectId: string,
   *   tags: () => any[],
   *   bar: import("../../parts/work_bar.js").WorkBar,
   *   arrived: () => void,
   *   added: () => Promise<void>,
   * }} options `tags` are those of the project; `arrived` is called for each photo, `added` once all have travelled
   */
  constructor(options) {
    this._options = options;
    this.root = this._buttons();
  }

  /** Takes what is dropped on an element. @param {HTMLElement} target */
  takeDrops(target) {
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      target.classList.add("dropping");
    });
    target.addEventListener("dragleave", () => target.classList.remove("dropping"));
    target.addEventListener("drop", async (event) => {
      event.preventDefault();
      target.classList.remove("dropping");
      if (event.dataTransfer) this._add(await droppedPhotos(event.dataTransfer));
    });
  }

  _buttons() {
    const files = element("input", { type: "file", multiple: true, accept: "image/*", hidden: true });
    const folder = element("input", { type: "file", webkitdirectory: true, hidden: true });
    for (const input of [files, folder]) {
      input.addEventListener("change", () => {
        this._add(photosOf(input.files ?? []));
        input.value = "";
      });
    }
    return element(
      "div",
      { class: "drop" },
      element("p", {}, "Drop photos or folders here. A folder's name becomes the tag of its photos."),
      element("button", { type: "button", class: "primary", onclick: () => files.click() }, "Add photos…"),
      element("button", { type: "button", onclick: () => folder.click() }, "Add a folder…"),
      files,
      folder,
    );
  }

  /** @param {import("../../uploads.js").Photo[]} photos */
  async _add(photos) {
    if (!photos.length) return notice("There is no photo among what you chose.", { isError: true });
    const { projectId, tags, bar, arrived, added } = this._options;
    /** @type {import("../../uploads.js").Outcome[]} */
    const outcomes = [];
    try {
      await bar.run({ total: photos.length, noun: "photo", label: "Photos sent" }, async (done, signal) => {
        const sent = (/** @type {import("../../uploads.js").Outcome} */ outcome) => {
          outcomes.push(outcome);
          done(1);
          arrived();
        };
        await upload(projectId, photos, tags(), sent, signal).catch((error) => {
          if (!signal.aborted) throw error;
        });
      });
    } finally {
      await added();
    }
    return tell(outcomes);
  }
}

/** @param {import("../../uploads.js").Outcome[]} outcomes */
function tell(outcomes) {
  const refused = outcomes.filter(({ status }) => !TAKEN.has(status));
  for (const { photo, message } of refused.slice(0, 3)) notice(`${photo.file.name}: ${message}`, { isError: true });
  if (refused.length > 3) notice(`${counted(refused.length - 3, "more photo")} could not be used.`, { isError: true });
  notice(`${counted(outcomes.length - refused.length, "photo")} added.`);
}
