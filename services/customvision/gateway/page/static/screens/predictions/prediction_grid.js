// Kept predictions in a grid that grows as one scrolls: thumbnails, and what the model took them for.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { percent } from "../../words.js";
import { GridSelection } from "./grid_selection.js";

const PAGE_SIZE = 120;
// How far below what is seen predictions are loaded already.
const AHEAD_PIXELS = 1200;

/** A grid of what a ListPredictions request finds. */
export class PredictionGrid {
  /** @param {object} request @param {{ changed: () => void, opened: (id: string) => void }} listeners */
  constructor(request, listeners) {
    this._grid = element("div", { class: "kept", role: "listbox", "aria-multiselectable": "true", "aria-label": "Predictions" });
    this._end = element("div", {});
    this.element = element("div", {}, this._grid, this._end);
    this.selection = new GridSelection(this._grid, listeners);
    /** @type {Map<string, any>} in the order of the grid */
    this.predictions = new Map();
    this._request = request;
    this._token = "";
    this._isWhole = false;
    /** @type {Promise<void> | null} */
    this._loading = null;
    this._observer = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && this.more(), {
      rootMargin: `${AHEAD_PIXELS}px`,
    });
  }

  /** Loads the next page, unless all are there. */
  more() {
    if (this._isWhole) return Promise.resolve();
    this._loading ??= this._load().finally(() => (this._loading = null));
    return this._loading;
  }

  /** Takes predictions out that are added or deleted. @param {string[]} ids */
  remove(ids) {
    for (const id of ids) this.predictions.delete(id);
    this.selection.remove(ids);
    this._watchEnd();
  }

  /** Returns the id of a prediction's neighbour, loaded where need be, or nothing. @param {string} id @param {1 | -1} step */
  async neighbour(id, step) {
    const found = () => {
      const ids = [...this.predictions.keys()];
      return ids[ids.indexOf(id) + step];
    };
    if (!found() && step === 1) await this.more();
    return found();
  }

  async _load() {
    const page = await call("project", "ListPredictions", { ...this._request, pageSize: PAGE_SIZE, pageToken: this._token });
    for (const prediction of page.predictions) {
      this._grid.append(tile(prediction, !this.predictions.size));
      this.predictions.set(prediction.predictionId, prediction);
    }
    this._token = page.nextPageToken;
    this._isWhole = !this._token;
    this._watchEnd();
  }

  /** The end may be in sight still, or again; the observer tells of changes alone, and anew only of what it is given anew. */
  _watchEnd() {
    this._observer.unobserve(this._end);
    this._observer.observe(this._end);
  }
}

/** @param {any} prediction @param {boolean} isFirst */
function tile({ projectId, predictionId, predictions: [likeliest] }, isFirst) {
  const source = `/page/projects/${projectId}/predictions/${predictionId}/thumbnail`;
  const share = percent(likeliest.probability);
  return element(
    "div",
    {
      role: "option",
      class: "kept-one",
      tabindex: isFirst ? 0 : -1,
      "aria-selected": "false",
      "aria-label": `${likeliest.tagName}, ${share}`,
      "data-id": predictionId,
    },
    element("img", { src: source, alt: "", loading: "lazy", width: 160, height: 160 }),
    // What a screen reader hears is the label, and Enter is its way to open.
    element("span", { class: "kept-open", "data-opens": true, "aria-hidden": "true", title: "Look closer" }, "⤢"),
    element("span", { class: "kept-answer" }, element("bdi", {}, likeliest.tagName), element("span", {}, share)),
  );
}
