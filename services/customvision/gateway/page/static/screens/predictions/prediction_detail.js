// One kept prediction by itself: the photo, all that the model said, and what is right.

import { element } from "../../dom.js";
import { time } from "../../words.js";
import { probabilities } from "../../parts/probabilities.js";
import { MULTILABEL } from "../../parts/project_fields.js";
import { tagNamed } from "./tag_field.js";

const MOST_KEYS = 9;

/**
 * @typedef {{
 *   project: any,
 *   tags: any[],
 *   iterationName: (id: string) => string,
 *   answeredTags: (prediction: any) => string[],
 *   neighbour: (prediction: any, step: 1 | -1) => Promise<any>,
 *   add: (prediction: any, tagIds: string[]) => Promise<string>,
 *   askToDelete: (prediction: any, deleted: () => void) => void,
 *   closed: (prediction: any) => void,
 * }} Surroundings `add` returns a sentence where it failed, and nothing where it did not
 */

/** A dialog that goes from one prediction to the next: arrow keys move, number keys tag, Enter adds. */
export class PredictionDetail {
  /** @param {any} prediction @param {Surroundings} surroundings */
  constructor(prediction, surroundings) {
    this._around = surroundings;
    /** @type {Set<string>} */
    this._right = new Set();
    this._photo = element("img", { class: "prediction-photo", alt: "" });
    this._facts = element("div", {});
    this._tags = element("div", { class: "prediction-tags", role: "group", "aria-label": "What it really shows" });
    this._problem = element("p", { class: "problem", role: "alert", hidden: true });
    this._add = element("button", { type: "button", class: "primary", onclick: () => this._addNow() }, "");
    this._said = element("p", { class: "unseen", role: "status" });
    this.element = element(
      "dialog",
      { class: "prediction", "aria-labelledby": "prediction-title" },
      this._head(),
      element("div", { class: "prediction-body" }, this._photo, element("div", {}, this._facts, this._correction())),
    );
    this.element.addEventListener("keydown", (event) => this._key(event));
    this.element.addEventListener("close", () => {
      this.element.remove();
      surroundings.closed(this._shown);
    });
    this._show(prediction);
    document.body.append(this.element);
    this.element.showModal();
    this._add.focus();
  }

  _head() {
    return element(
      "div",
      { class: "title-row" },
      element("h2", { id: "prediction-title" }, "Prediction"),
      element(
        "div",
        { class: "prediction-moves" },
        element("button", { type: "button", "aria-label": "Previous", title: "Previous (←)", onclick: () => this._move(-1) }, "←"),
        element("button", { type: "button", "aria-label": "Next", title: "Next (→)", onclick: () => this._move(1) }, "→"),
        element("button", { type: "button", onclick: () => this.element.close() }, "Close"),
      ),
    );
  }

  _correction() {
    return element(
      "div",
      {},
      element("h3", {}, "What it really shows"),
      this._tags,
      this._newTag(),
      this._problem,
      this._said,
      element("div", { class: "buttons" }, element("button", { type: "button", onclick: () => this._askToDelete() }, "Delete…"), this._add),
    );
  }

  _newTag() {
    const input = element("input", { "aria-label": "New tag", placeholder: "New tag", required: true, maxlength: 128, autocomplete: "off" });
    const form = element("form", { class: "prediction-new-tag" }, input, element("button", { type: "submit" }, "Add tag"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { project, tags } = this._around;
      await this._tell(async () => {
        const tagId = await tagNamed(project.projectId, tags, input.value);
        form.reset();
        if (!this._right.has(tagId)) this._toggle(tagId);
        this._add.focus();
      });
    });
    return form;
  }

  /** @param {any} prediction */
  _show(prediction) {
    this._shown = prediction;
    this._right = new Set(this._around.answeredTags(prediction));
    this._problem.hidden = true;
    const { projectId, predictionId, predictions, iterationId, publishName, application, createTime } = prediction;
    const [likeliest] = predictions;
    this._photo.src = `/page/projects/${projectId}/predictions/${predictionId}/full`;
    const facts = [this._around.iterationName(iterationId), publishName, application, time(createTime)].filter(Boolean);
    this._facts.replaceChildren(
      element("h3", {}, "What the model said"),
      probabilities(predictions, { most: predictions.length }),
      element("p", { class: "help", dir: "auto" }, facts.join(" · ")),
    );
    this._said.textContent = `Shown: ${likeliest.tagName}`;
    this._showTags();
  }

  _showTags() {
    const buttons = this._around.tags.map(({ tagId, name }, index) =>
      element(
        "button",
        { type: "button", class: "filter", "aria-pressed": String(this._right.has(tagId)), onclick: () => this._toggle(tagId) },
        ...(index < MOST_KEYS ? [element("kbd", {}, String(index + 1)), " "] : []),
        element("bdi", {}, name),
      ),
    );
    this._tags.replaceChildren(...buttons);
    const names = this._around.tags.filter(({ tagId }) => this._right.has(tagId)).map(({ name }) => name);
    this._add.disabled = !names.length;
    this._add.replaceChildren(names.length ? "Add as " : "Choose what it shows", element("bdi", {}, names.join(", ")));
  }

  /** @param {string} tagId */
  _toggle(tagId) {
    if (this._around.project.classificationType !== MULTILABEL) this._right = new Set([tagId]);
    else if (!this._right.delete(tagId)) this._right.add(tagId);
    const place = [...this._tags.children].indexOf(/** @type {Element} */ (document.activeElement));
    this._showTags();
    /** @type {HTMLElement | undefined} */ (this._tags.children[place])?.focus();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = /^[1-9]$/.test(event.key) ? this._around.tags[Number(event.key) - 1] : null;
    if (event.key === "ArrowLeft") this._move(-1);
    else if (event.key === "ArrowRight") this._move(1);
    else if (tag) this._toggle(tag.tagId);
    else return;
    event.preventDefault();
  }

  /** @param {1 | -1} step */
  async _move(step) {
    const next = await this._around.neighbour(this._shown, step);
    if (next) this._show(next);
    else this._said.textContent = step === 1 ? "That is the last one." : "That is the first one.";
  }

  async _addNow() {
    const added = this._shown;
    const following = await this._following();
    await this._tell(async () => {
      const failure = await this._around.add(added, [...this._right]);
      if (failure) throw new Error(failure);
      this._go(following);
    });
  }

  async _askToDelete() {
    const following = await this._following();
    this._around.askToDelete(this._shown, () => this._go(following));
  }

  /** Returns what to show once this one is gone, as long as it is there. */
  async _following() {
    const { neighbour } = this._around;
    return (await neighbour(this._shown, 1)) ?? neighbour(this._shown, -1);
  }

  /** @param {any} prediction */
  _go(prediction) {
    if (prediction) this._show(prediction);
    else this.element.close();
  }

  /** Does something once at a time, and shows what goes wrong. @param {() => Promise<void>} work */
  async _tell(work) {
    this._problem.hidden = true;
    this._add.disabled = true;
    try {
      await work();
    } catch (error) {
      this._problem.textContent = error instanceof Error ? error.message : String(error);
      this._problem.hidden = false;
    } finally {
      this._add.disabled = !this._right.size;
      if (this.element.open) this._add.focus();
    }
  }
}
