// Where a photo comes from: dropped, chosen, pasted, or at an address.

import { element } from "../../dom.js";
import { droppedPhotos, photosOf } from "../../uploads.js";
import { notice } from "../../parts/notices.js";

/** @typedef {{ photos: (files: File[]) => void, url: (url: string) => void }} Takers */

/**
 * Takes photos from everywhere on a screen. `leave` ends it.
 *
 * @param {HTMLElement} screen
 * @param {Takers} takers
 * @returns {{ element: HTMLElement, leave: () => void }}
 */
export function photoSource(screen, takers) {
  const take = (/** @type {import("../../uploads.js").Photo[]} */ photos) => {
    if (photos.length) takers.photos(photos.map(({ file }) => file));
    else notice("There is no photo among what you chose.", { isError: true });
  };
  takeDrops(screen, take, takers.url);
  const paste = (/** @type {ClipboardEvent} */ event) => takePasted(event, take, takers.url);
  document.addEventListener("paste", paste);
  return {
    element: element("div", {}, chooser(take), addressForm(takers.url)),
    leave: () => document.removeEventListener("paste", paste),
  };
}

/** @param {(photos: import("../../uploads.js").Photo[]) => void} take */
function chooser(take) {
  const files = element("input", { type: "file", multiple: true, accept: "image/*", hidden: true });
  files.addEventListener("change", () => {
    take(photosOf(files.files ?? []));
    files.value = "";
  });
  return element(
    "div",
    { class: "drop" },
    element("p", {}, "Drop photos here, or paste one that you have copied."),
    element("button", { type: "button", class: "primary", onclick: () => files.click() }, "Choose photos…"),
    files,
  );
}

/** @param {(url: string) => void} take */
function addressForm(take) {
  const address = element("input", { id: "photo-url", type: "url", required: true, placeholder: "https://", autocomplete: "off" });
  const form = element(
    "form",
    { class: "photo-url" },
    element("label", { for: "photo-url" }, "Or the address of a photo"),
    element("div", { class: "photo-url-row" }, address, element("button", { type: "submit" }, "Ask")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(address.value);
    form.reset();
  });
  return form;
}

/** @param {HTMLElement} screen @param {(photos: import("../../uploads.js").Photo[]) => void} take @param {(url: string) => void} takeUrl */
function takeDrops(screen, take, takeUrl) {
  screen.addEventListener("dragover", (event) => {
    event.preventDefault();
    screen.classList.add("dropping");
  });
  screen.addEventListener("dragleave", () => screen.classList.remove("dropping"));
  screen.addEventListener("drop", async (event) => {
    event.preventDefault();
    screen.classList.remove("dropping");
    if (!event.dataTransfer) return;
    // A photo dragged out of another page is an address, unless the browser makes a file of it.
    const url = urlIn(event.dataTransfer.getData("text/uri-list"));
    if (url && !event.dataTransfer.files.length) takeUrl(url);
    else take(await droppedPhotos(event.dataTransfer));
  });
}

/** @param {ClipboardEvent} event @param {(photos: import("../../uploads.js").Photo[]) => void} take @param {(url: string) => void} takeUrl */
function takePasted(event, take, takeUrl) {
  const files = event.clipboardData?.files ?? [];
  if (files.length) {
    event.preventDefault();
    take(photosOf(files));
  } else if (!(event.target instanceof HTMLInputElement)) {
    const url = urlIn(event.clipboardData?.getData("text/plain") ?? "");
    if (url) takeUrl(url);
    else notice("There is neither a photo nor an address of one in the clipboard.", { isError: true });
  }
}

/** Returns the address that a text is, or nothing. @param {string} text */
function urlIn(text) {
  const first = text.trim().split(/\s/)[0] ?? "";
  return /^https?:\/\//.test(first) ? first : "";
}
