// Choosing photos to add: by drop, or as files or a folder.

import { element } from "../../dom.js";
import { droppedPhotos, photosOf } from "../../uploads.js";
import { notice } from "../../parts/notices.js";

/** The place where photos are dropped, and its buttons. */
export class PhotoAdding {
  /** @param {(photos: import("../../uploads.js").Photo[]) => void} send */
  constructor(send) {
    this._send = send;
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
  _add(photos) {
    if (photos.length) this._send(photos);
    else notice("There is no photo among what you chose.", { isError: true });
  }
}
