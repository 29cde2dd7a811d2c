// One image by itself: large, with its tags to press, what a model says of it, and the ways to the next and the one before.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { counted, time } from "../../words.js";
import { moveNotices, noticesInside } from "../../parts/notices.js";
import { NUMBERED, TagChips } from "./tag_chips.js";

/**
 * @typedef {{
 *   projectId: string,
 *   tags: () => any[],
 *   told: (image: any) => Promise<HTMLElement | null>,
 *   toggle: (image: any, tagId: string, index: number) => Promise<void>,
 *   remove: (image: any, index: number) => Promise<void>,
 *   closed: (index: number) => void,
 * }} DetailOptions `told` is what a model says of an image
 */

/** A dialog with one image of a list at a time. */
export class PhotoDetail {
  /** @param {DetailOptions} options */
  constructor(options) {
    this._options = options;
    this._index = 0;
    this._turn = 0;
    this._photo = element("img", { class: "detail-photo", alt: "" });
    this._title = element("h2", { id: "detail-title", dir: "auto" });
    this._facts = element("div", {});
    this._told = element("div", { class: "told", "aria-live": "polite" });
    this._chips = new TagChips({ label: "Tags of this image", toggle: (tagId) => this._toggle(tagId), isNumbered: true });
    this._before = element("button", { type: "button", class: "detail-step before", "aria-label": "The image before", onclick: () => this.show(this._index - 1) }, "‹");
    this._next = element("button", { type: "button", class: "detail-step next", "aria-label": "The next image", onclick: () => this.show(this._index + 1) }, "›");
    this._notices = noticesInside();
    this._dialog = this._made();
  }

  /** Whether it is shown. */
  get isOpen() {
    return this._dialog.open;
  }

  /** Opens it. @param {import("../../parts/paged_list.js").PagedList} list @param {number} index */
  async open(list, index) {
    this._list = list;
    document.body.append(this._dialog);
    if (!this.isOpen) this._dialog.showModal();
    this._dialog.focus();
    await this.show(index);
  }

  /** Shows another image of the list, fetched where it is not here; closes where the list is empty. @param {number} index */
  async show(index) {
    const list = this._list;
    if (!list || !this.isOpen) return;
    if (!list.count) return this._dialog.close();
    if (index < 0 || index > list.count) return;
    const turn = ++this._turn;
    const nearest = Math.min(index, list.count - 1);
    const listed = await list.item(nearest);
    if (!listed || turn !== this._turn) return;
    this._index = nearest;
    this._draw(listed);
    // The list may have been fetched a while ago, and that of an iteration has the tags of then.
    const image = await call("project", "GetImage", { projectId: this._options.projectId, imageId: listed.imageId });
    if (turn !== this._turn) return;
    this._draw(image);
    const told = await this._options.told(image);
    if (turn === this._turn) this._told.replaceChildren(...(told ? [told] : []));
  }

  /** Shows the same image again, as it is now. */
  async refresh() {
    await this.show(this._index);
  }

  _made() {
    const close = element("button", { type: "button", class: "detail-close", "aria-label": "Close", onclick: () => dialog.close() }, "×");
    const remove = element("button", { type: "button", onclick: () => this._remove() }, "Delete");
    const help = element("p", { class: "help" }, "Keys: arrows for the next and the one before, 1 to 9 for tags, Delete, Escape.");
    const side = element("div", { class: "detail-side" }, this._title, this._facts, this._chips.root, this._told, element("div", { class: "detail-buttons" }, remove), help);
    const stage = element("div", { class: "detail-stage" }, this._before, this._photo, this._next);
    const dialog = element("dialog", { class: "detail", tabindex: -1, "aria-labelledby": "detail-title" }, close, stage, side, this._notices);
    dialog.addEventListener("keydown", (event) => this._key(event));
    dialog.addEventListener("close", () => {
      this._turn += 1;
      moveNotices(this._notices);
      dialog.remove();
      this._options.closed(this._index);
    });
    return dialog;
  }

  /** @param {any} image */
  _draw(image) {
    if (this._image?.imageId !== image.imageId) this._told.replaceChildren();
    this._image = image;
    const source = `/page/projects/${image.projectId}/images/${image.imageId}/full`;
    if (this._photo.getAttribute("src") !== source) this._photo.src = source;
    this._photo.alt = image.fileName || "The image";
    this._title.textContent = image.fileName || "Without a name";
    const count = this._list?.count ?? 0;
    const facts = [`${(this._index + 1).toLocaleString()} of ${counted(count, "image")}`];
    if (image.width) facts.push(`${image.width} × ${image.height} pixels · added ${time(image.createTime)}`);
    this._facts.replaceChildren(...facts.map((fact) => element("p", { class: "facts" }, fact)));
    this._chips.show(this._options.tags(), image.tagIds ?? []);
    // Not disabled: a button that is has the keyboard no more, nor gives it on.
    this._before.setAttribute("aria-disabled", String(this._index === 0));
    this._next.setAttribute("aria-disabled", String(this._index >= count - 1));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target instanceof HTMLInputElement;
    const number = Number(event.key);
    if (event.key === "Escape" && isTyping && event.target.value) event.target.value = "";
    else if (isTyping) return;
    else if (event.key === "ArrowRight") this.show(this._index + 1);
    else if (event.key === "ArrowLeft") this.show(this._index - 1);
    else if (event.key === "Delete") this._remove();
    else if (number >= 1 && number <= NUMBERED && !event.repeat) this._press(number);
    else return;
    event.preventDefault();
  }

  /** @param {number} number */
  _press(number) {
    const tag = this._options.tags()[number - 1];
    if (tag) this._toggle(tag.tagId);
  }

  /** @param {string} tagId */
  async _toggle(tagId) {
    await this._options.toggle(this._image, tagId, this._index);
  }

  async _remove() {
    await this._options.remove(this._image, this._index);
  }
}
