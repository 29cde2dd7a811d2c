// One photo that a model is asked about: the photo, and what came of it.

import { element } from "../../dom.js";
import { NotSignedIn } from "../../session.js";
import { percent } from "../../words.js";
import { probabilities } from "../../parts/probabilities.js";

const MOST_TAGS = 8;

/** @typedef {{ name: string, file?: File }} Asked `name` is a file's name or an address */

/** A card that shows a photo at once, and the answer or the refusal once there is one. */
export class PhotoAnswer {
  /** @param {Asked} asked @param {() => Promise<{ predictions: any[], notes: import("../../dom.js").Child[] }>} ask */
  constructor(asked, ask) {
    this._asked = asked;
    this._ask = ask;
    this._told = element("div", { class: "answer-told" }, element("p", { class: "help" }, "Waiting…"));
    this.element = element(
      "li",
      { class: "card answer" },
      asked.file ? preview(asked.file) : element("div", { class: "answer-photo none" }, "Not shown: the page loads nothing from elsewhere."),
      element("div", { class: "answer-text" }, element("h2", { dir: "auto" }, asked.name), this._told),
    );
  }

  /** Asks, and returns a sentence of what came of it. Throws NotSignedIn. */
  async run() {
    this._told.replaceChildren(element("p", { class: "help" }, "Asking…"));
    try {
      const { predictions, notes } = await this._ask();
      this._told.replaceChildren(probabilities(predictions, { most: MOST_TAGS }), ...notes.filter(Boolean).map((note) => element("p", { class: "help" }, note)));
      const [likeliest] = predictions;
      return `${this._asked.name}: ${likeliest.tagName}, ${percent(likeliest.probability)}`;
    } catch (error) {
      if (error instanceof NotSignedIn) throw error;
      const sentence = error instanceof Error ? error.message : String(error);
      const again = element("button", { type: "button", onclick: () => this.run() }, "Ask again");
      this._told.replaceChildren(element("p", { class: "problem" }, sentence), again);
      return `${this._asked.name}: ${sentence}`;
    }
  }
}

/** @param {File} file */
function preview(file) {
  const url = URL.createObjectURL(file);
  const image = element("img", { class: "answer-photo", src: url, alt: "", width: 192, height: 192 });
  image.addEventListener("load", () => URL.revokeObjectURL(url));
  image.addEventListener("error", () => {
    URL.revokeObjectURL(url);
    image.replaceWith(element("div", { class: "answer-photo none" }, "This browser cannot show it."));
  });
  return image;
}
