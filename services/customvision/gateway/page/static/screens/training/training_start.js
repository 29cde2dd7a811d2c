// How a training is asked for: quick or advanced, with which tags, beginning with what; and what still lacks for it.

import { call, requestId } from "../../calls.js";
import { element } from "../../dom.js";
import { counted } from "../../words.js";
import { trainingMaterial, trainingNeeds } from "./training_needs.js";

const QUICK = "TRAINING_TYPE_QUICK";
const ADVANCED = "TRAINING_TYPE_ADVANCED";
const NOTHING_CHANGED = "NOTHING_CHANGED";

export class TrainingStart {
  /**
   * @param {any} project
   * @param {any[]} iterations
   * @param {any[]} tags
   * @param {(run: any) => void} onStart is called with the run that has been started
   */
  constructor(project, iterations, tags, onStart) {
    this._project = project;
    this._iterations = iterations;
    this._tagCount = tags.length;
    this._onStart = onStart;
    this._checks = 0;
    this._refusal = { reason: "", message: "", metadata: {} };
    this._needs = element("div", { class: "needs", role: "status" });
    this._problem = element("p", { class: "problem", role: "alert", hidden: true });
    this._button = element("button", { type: "submit", class: "primary" }, "Train");
    this._advanced = element("div", { class: "advanced", hidden: true }, ...advancedFields(iterations));
    this._tagsChosen = element("summary", {}, "All tags");
    this._form = element(
      "form",
      {},
      kinds(),
      this._advanced,
      tagFields(this._tagsChosen, tags),
      this._problem,
      element("div", { class: "buttons" }, this._button),
    );
    this._form.addEventListener("change", () => this.check());
    this._form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._start();
    });
    this.element = element("section", { class: "card start", "aria-labelledby": "train" }, element("h2", { id: "train" }, "Train"), this._needs, this._form);
  }

  /** Asks the service what it would refuse a training as chosen for, and tells it. */
  async check() {
    const turn = ++this._checks;
    // The same id starts the same run, however often it is sent; another choice is another run.
    this._requestId = requestId();
    this._problem.hidden = true;
    const request = this._request();
    this._advanced.hidden = request.trainingType !== ADVANCED;
    const selected = request.selectedTagIds;
    this._tagsChosen.textContent = selected.length ? `${selected.length} of ${counted(this._tagCount, "tag")}` : "All tags";
    if (!this._form.checkValidity()) return;
    // What there is to train with may have changed since: both are of now.
    const [refusal, material] = await Promise.all([
      call("training", "CheckTraining", { training: request }),
      trainingMaterial(this._project.projectId, this._iterations),
    ]);
    if (turn !== this._checks) return;
    this._refusal = refusal;
    const isUnchanged = refusal.reason === NOTHING_CHANGED;
    this._needs.replaceChildren(...trainingNeeds(refusal, material, selected, this._project.projectId));
    this._button.textContent = isUnchanged ? "Train all the same" : "Train";
    this._button.disabled = Boolean(refusal.reason) && !isUnchanged;
  }

  async _start() {
    if (this._isStarting) return;
    this._isStarting = true;
    this._button.disabled = true;
    this._problem.hidden = true;
    try {
      const force = this._refusal.reason === NOTHING_CHANGED;
      this._onStart(await call("training", "StartTraining", { ...this._request(), force, requestId: this._requestId }));
    } catch (error) {
      this._problem.textContent = error instanceof Error ? error.message : String(error);
      this._problem.hidden = false;
      this._button.disabled = false;
    } finally {
      this._isStarting = false;
    }
  }

  _request() {
    const fields = new FormData(this._form);
    const isAdvanced = fields.get("trainingType") === ADVANCED;
    const minutes = Number(fields.get("budget"));
    return {
      projectId: this._project.projectId,
      trainingType: String(fields.get("trainingType")),
      selectedTagIds: fields.getAll("tag").map(String),
      ...(isAdvanced && minutes ? { trainingBudget: `${Math.round(60 * minutes)}s` } : {}),
      ...(isAdvanced ? { baseIterationId: String(fields.get("base")) } : {}),
    };
  }
}

function kinds() {
  return element(
    "fieldset",
    { class: "kinds" },
    element("legend", {}, "How"),
    kind(QUICK, "Quick", "Seconds. Learns to tell your tags apart by what the network sees in photos already.", true),
    kind(ADVANCED, "Advanced", "Minutes. Goes on from there and fine-tunes the network itself, and keeps that only where it does better.", false),
  );
}

/** @param {string} value @param {string} label @param {string} help @param {boolean} isChosen */
function kind(value, label, help, isChosen) {
  const radio = element("input", { type: "radio", name: "trainingType", value, checked: isChosen, "aria-labelledby": value, "aria-describedby": `${value}-help` });
  const text = element("span", {}, element("strong", { id: value }, label), element("span", { id: `${value}-help`, class: "help" }, help));
  return element("label", { class: "choice" }, radio, text);
}

/** @param {any[]} iterations newest first */
function advancedFields(iterations) {
  const bases = iterations.filter(({ status }) => status === "ITERATION_STATUS_COMPLETED");
  return [
    element(
      "div",
      {},
      element("label", { for: "budget" }, "Budget in minutes"),
      element("input", { id: "budget", name: "budget", type: "number", min: 1, max: 1440, step: "any", value: 10, required: true, "aria-describedby": "budget-help" }),
      element("span", { id: "budget-help", class: "help" }, "Never exceeded. Small sets need less than they are given."),
    ),
    element(
      "div",
      {},
      element("label", { for: "base" }, "Begin with"),
      element(
        "select",
        { id: "base", name: "base", "aria-describedby": "base-help" },
        element("option", { value: "" }, "the project's domain"),
        ...bases.map(({ iterationId, name }) => element("option", { value: iterationId, dir: "auto" }, name)),
      ),
      element("span", { id: "base-help", class: "help" }, "An earlier iteration brings what its network has learned; its figures are then flattered."),
    ),
  ];
}

/** @param {HTMLElement} chosen @param {any[]} tags */
function tagFields(chosen, tags) {
  const boxes = tags.map(({ tagId, name, imageCount }) =>
    element(
      "label",
      { class: "tag-choice" },
      element("input", { type: "checkbox", name: "tag", value: tagId }),
      element("bdi", {}, name),
      element("span", { class: "figures" }, Number(imageCount).toLocaleString()),
    ),
  );
  const help = element("p", { class: "help" }, "Choose some to leave out the images that carry none of them; choose none for all.");
  return element("details", { class: "tag-choices" }, chosen, help, element("div", { class: "tag-boxes" }, ...boxes));
}
