// What the iteration said of held-out images, page by page, the surest errors first.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { newestOf } from "./newest.js";
import { counted } from "../../words.js";
import { heldOutPhoto, imagesThatAreThere } from "./held_out_photos.js";
import { probabilities } from "../../parts/probabilities.js";

const PAGE_SIZE = 24;
const MOST_PROBABILITIES = 3;

/** @typedef {{ title: string, filter: object }} Wanted what is asked for beside the iteration and the threshold */

/** @type {Wanted} */
const ALL_WRONG = { title: "Wrong images, the surest first", filter: { wrongOnly: true } };

export class HeldOutResults {
  /** @param {any} iteration @param {any} performance */
  constructor(iteration, performance) {
    this._iteration = iteration;
    this._names = new Map(performance.tags.map((/** @type {any} */ tag) => [tag.tagId, tag.tagName]));
    this._threshold = performance.threshold;
    this._wanted = ALL_WRONG;
    this._token = "";
    this._turn = 0;
    this._load = newestOf(() => this._first());
    this._title = element("h2", { id: "results-title", tabindex: -1, dir: "auto" });
    this._back = element("button", { type: "button", class: "quiet", onclick: () => this.open(ALL_WRONG) }, "All wrong images");
    this._count = element("p", { class: "facts", role: "status" });
    this._list = element("ul", { class: "results" });
    this._more = element("button", { type: "button", onclick: () => this._next() }, "Show more");
    this.element = element(
      "section",
      { class: "card", "aria-labelledby": "results-title" },
      element("div", { class: "title-row" }, this._title, this._back),
      this._count,
      this._list,
      this._more,
    );
  }

  /** Shows all that were told wrong. */
  load() {
    return this._load(undefined);
  }

  /** Shows other images, and goes to them. @param {Wanted} wanted */
  async open(wanted) {
    this._wanted = wanted;
    await this.load();
    this._title.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "start" });
  }

  /** @param {number} threshold */
  async setThreshold(threshold) {
    this._threshold = threshold;
    await this.load();
  }

  async _first() {
    const { title } = this._wanted;
    this._turn += 1;
    const page = await this._page("");
    this._token = page.nextPageToken;
    this._more.hidden = !this._token;
    this._title.textContent = title;
    this._back.hidden = this._wanted === ALL_WRONG;
    this._count.textContent = Number(page.totalCount) ? counted(page.totalCount, "image") : nothing(this._wanted);
    this._list.replaceChildren(...page.items);
  }

  async _next() {
    this._more.disabled = true;
    const turn = this._turn;
    try {
      const { items, nextPageToken } = await this._page(this._token);
      if (turn !== this._turn) return;
      this._token = nextPageToken;
      this._more.hidden = !this._token;
      this._list.append(...items);
      items[0]?.querySelector("a")?.focus({ preventScroll: true });
    } finally {
      this._more.disabled = false;
    }
  }

  /** @param {string} pageToken */
  async _page(pageToken) {
    const { projectId, iterationId } = this._iteration;
    const request = { projectId, iterationId, threshold: this._threshold, pageSize: PAGE_SIZE, pageToken, ...this._wanted.filter };
    const { results, nextPageToken, totalCount } = await call("training", "ListImageResults", request);
    const images = await imagesThatAreThere(projectId, results.map((/** @type {any} */ result) => result.imageId));
    return { totalCount, nextPageToken, items: results.map((/** @type {any} */ result) => this._result(result, images.get(result.imageId))) };
  }

  /** @param {any} result @param {any} image @returns {HTMLLIElement} */
  _result({ tagIds, predictions, right }, image) {
    const names = tagIds.map((/** @type {string} */ tagId) => this._names.get(tagId) ?? "a tag that is gone");
    // What it should have said is told as well, however improbable it was to the model.
    const told = predictions.filter((/** @type {any} */ { tagId }, /** @type {number} */ index) => index < MOST_PROBABILITIES || tagIds.includes(tagId));
    const truth = element("p", { class: right ? "truth right" : "truth" }, "is ", element("bdi", {}, names.join(", ") || "nothing of this"), right ? " ✓" : "");
    return element("li", { class: "result" }, heldOutPhoto(image), element("div", {}, truth, element("p", { class: "facts" }, "The model said"), probabilities(told, { most: told.length })));
  }
}

/** @param {Wanted} wanted */
function nothing(wanted) {
  return wanted === ALL_WRONG ? "Every held-out image was told right." : "No held-out image is here.";
}
