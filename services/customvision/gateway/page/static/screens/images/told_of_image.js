// What the newest model says of an image: of one held out of it, what it took it for; of an untagged one, what it suggests.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { saidOfHeldOut } from "./held_out.js";
import { probabilities } from "../../parts/probabilities.js";

/** Asks an iteration about one image after another. */
export class ToldOfImage {
  /** @param {any} iteration a completed one @param {AbortSignal} signal ends what is fetched meanwhile */
  constructor(iteration, signal) {
    this.iterationId = iteration.iterationId;
    this._iteration = iteration;
    this._signal = signal;
    /** @type {ReturnType<typeof saidOfHeldOut> | undefined} */
    this._said = undefined;
  }

  /** Returns what it says, or why that cannot be told. @param {any} image as it is now @returns {Promise<HTMLElement>} */
  async about(image) {
    const name = this._iteration.name;
    try {
      if (!image.tagIds.length) return await this._suggestion(image);
      const said = (await this._heldOut()).get(image.imageId);
      if (said) return told(`${name}, which did not learn from it, ${said.isRight ? "tells it right" : "tells it wrong"}`, said.predictions);
      return sentence(await this._whetherLearned(image));
    } catch (error) {
      return sentence(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {any} image */
  async _suggestion({ projectId, imageId }) {
    const request = { projectId, iterationId: this._iteration.iterationId, imageIds: [imageId] };
    const [suggestion] = (await call("prediction", "SuggestTags", request)).suggestions;
    return suggestion ? told(`${this._iteration.name} suggests`, suggestion.predictions) : sentence(`${this._iteration.name} has no suggestion.`);
  }

  /** @param {any} image */
  async _whetherLearned({ projectId, imageId }) {
    const { iterationId, name } = this._iteration;
    const { images } = await call("project", "ListImages", { projectId, iterationId, imageIds: [imageId] });
    return images.length ? `${name} learned from it.` : `${name} does not know it: it was added or tagged later.`;
  }

  _heldOut() {
    const { projectId, iterationId } = this._iteration;
    this._said ??= saidOfHeldOut({ projectId, iterationId }, this._signal).catch((error) => {
      this._said = undefined;
      throw error;
    });
    return this._said;
  }
}

/** @param {string} title @param {any[]} predictions */
function told(title, predictions) {
  return element("div", {}, element("h3", {}, title), probabilities(predictions));
}

/** @param {string} text */
function sentence(text) {
  return element("p", { class: "facts" }, text);
}
