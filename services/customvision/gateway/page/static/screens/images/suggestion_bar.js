// Above the suggestions: having them made, their order, and confirming those that the model is sure of.

import { element } from "../../dom.js";
import { counted } from "../../words.js";

const THRESHOLDS = [0.99, 0.95, 0.9, 0.8, 0.7];
const USUAL_THRESHOLD = 0.9;

/** What is said above the suggestions. */
export class SuggestionBar {
  /**
   * @param {{
   *   projectId: string,
   *   suggest: () => void,
   *   confirm: (threshold: number) => void,
   *   order: (isSurestFirst: boolean) => void,
   * }} actions `confirm` is for those whose likeliest tag has this probability, 0 to 1, or more
   */
  constructor(actions) {
    this._actions = actions;
    this._threshold = USUAL_THRESHOLD;
    this.root = element("div", { class: "suggestion-bar card", hidden: true });
  }

  /** Hides it. */
  hide() {
    this.root.hidden = true;
  }

  /**
   * Shows what can be done.
   *
   * @param {{ iteration: any, missing: number, count: number, isSurestFirst: boolean }} state `missing`: untagged images without a suggestion
   */
  show({ iteration, missing, count, isSurestFirst }) {
    this.root.hidden = false;
    if (!iteration) {
      const training = element("a", { href: `/projects/${this._actions.projectId}/training` }, "Train");
      const text = "Suggestions come from a model, and there is none yet. Tag at least five images for each of two tags, and train. ";
      return this.root.replaceChildren(element("p", {}, text, training));
    }
    const children = [missing ? this._asking(iteration, missing) : element("p", {}, none(count, iteration.name))];
    if (count) children.push(this._confirming(isSurestFirst));
    return this.root.replaceChildren(...children);
  }

  /** @param {any} iteration @param {number} missing */
  _asking({ name }, missing) {
    return element(
      "p",
      {},
      `${name} has not been asked about ${counted(missing, "untagged image")}. `,
      element("button", { type: "button", class: "primary", onclick: this._actions.suggest }, "Suggest tags"),
    );
  }

  /** @param {boolean} isSurestFirst */
  _confirming(isSurestFirst) {
    const orders = [
      element("option", { value: "", selected: !isSurestFirst }, "Most uncertain first"),
      element("option", { value: "surest", selected: isSurestFirst }, "Surest first"),
    ];
    const order = element("select", { "aria-label": "Order", onchange: () => this._actions.order(Boolean(order.value)) }, ...orders);
    const options = THRESHOLDS.map((threshold) => element("option", { value: threshold, selected: threshold === this._threshold }, `${Math.round(threshold * 100)} %`));
    const threshold = element("select", { "aria-label": "From this probability on", onchange: () => (this._threshold = Number(threshold.value)) }, ...options);
    const confirm = element("button", { type: "button", onclick: () => this._actions.confirm(this._threshold) }, "Confirm all of at least");
    return element("div", { class: "confirming" }, order, element("span", { class: "confirm-all" }, confirm, threshold));
  }
}

/** @param {number} count @param {string} name */
function none(count, name) {
  if (!count) return `${name} has nothing to suggest: every image has a tag.`;
  return "Select those that are right and confirm them, or open one to choose another tag. Each tag makes the next training better.";
}
