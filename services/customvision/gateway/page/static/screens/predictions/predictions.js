// Predictions: what models answered and was kept, to be looked at, corrected and learned from.

import { call, callForAll } from "../../calls.js";
import { addToTraining, answeredTags, deletePredictions } from "./corrections.js";
import { element } from "../../dom.js";
import { AddedPhotos } from "./added_photos.js";
import { openDialog } from "../../parts/dialog.js";
import { notice } from "../../parts/notices.js";
import { PredictionDetail } from "./prediction_detail.js";
import { PredictionFilters } from "./prediction_filters.js";
import { listedPredictions, predictionCell } from "./prediction_list.js";
import { PhotoGrid } from "../../parts/photo_grid.js";
import { projectHead } from "../../parts/tabs.js";
import { tagField, tagNamed } from "./tag_field.js";
import { counted } from "../../words.js";

const MOST_TOLD = 3;

/** @param {string} projectId @returns {Promise<import("../../main.js").Screen>} */
export async function predictionsScreen(projectId) {
  const [project, tags, iterations] = await Promise.all([
    call("project", "GetProject", { projectId }),
    callForAll("project", "ListTags", { projectId, pageSize: 1000 }, "tags"),
    callForAll("project", "ListIterations", { projectId }, "iterations"),
  ]);
  const predictions = new Predictions(project, tags, iterations);
  await predictions.refresh();
  return { title: project.name, content: predictions.element, leave: () => predictions.leave() };
}

class Predictions {
  /** @param {any} project @param {any[]} tags @param {any[]} iterations */
  constructor(project, tags, iterations) {
    this._project = project;
    this._tags = tags;
    this._iterationNames = new Map(iterations.map(({ iterationId, name }) => [iterationId, name]));
    this._filters = new PredictionFilters(iterations, tags, () => this.refresh());
    this._actions = element("div", { class: "actions", role: "toolbar", "aria-label": "Selected predictions", hidden: true });
    this._added = new AddedPhotos(project.projectId);
    this._turn = 0;
    this._listed = element("div", {});
    this._grid = new PhotoGrid({
      label: "Predictions",
      keyOf: ({ predictionId }) => predictionId,
      draw: predictionCell,
      onSelection: () => this._showActions(),
      onOpen: (index) => this._open(index),
      onDelete: () => this._askToDelete(this._selected()),
    });
    this.element = element(
      "section",
      { class: "predictions" },
      projectHead(project, "predictions"),
      this._added.element,
      this._filters.element,
      this._listed,
      this._actions,
    );
  }

  /** Ends what the screen began. */
  leave() {
    this._grid.leave();
  }

  /** Asks for the predictions again, and shows them with none selected. */
  async refresh() {
    const turn = ++this._turn;
    const list = await listedPredictions({ projectId: this._project.projectId, ...this._filters.request() });
    // Something else may have been asked for meanwhile.
    if (turn !== this._turn) return;
    this._list = list;
    this._listed.replaceChildren(...(list.count ? [howTo(), this._grid.element] : [this._nothing()]));
    this._filters.element.hidden = !list.count && this._filters.isEmpty;
    this._grid.show(list);
    this._grid.clear();
  }

  _nothing() {
    return this._filters.isEmpty ? nothingKept(this._project.projectId) : element("p", { class: "card empty-state" }, "No prediction is like that.");
  }

  _showActions() {
    const { count } = this._grid.selection;
    this._actions.hidden = !count;
    this._actions.replaceChildren(
      element("strong", {}, `${counted(count, "prediction")} selected`),
      element("button", { type: "button", class: "primary", onclick: () => this._accept() }, count === 1 ? "This is right" : "These are right"),
      element("button", { type: "button", onclick: () => this._askForTag() }, "Other tag…"),
      element("button", { type: "button", onclick: () => this._open(this._grid.selection.indices[0]) }, "Look closer"),
      element("button", { type: "button", onclick: () => this._askToDelete(this._selected()) }, "Delete…"),
      element("button", { type: "button", class: "quiet", onclick: () => this._grid.selectAll() }, "Select all shown"),
      element("button", { type: "button", class: "quiet", onclick: () => this._grid.clear() }, "Select none"),
    );
  }

  /** Returns the selected predictions, in their order. */
  _selected() {
    return this._here().filter(({ predictionId }) => this._grid.selection.has(predictionId));
  }

  /** Returns the predictions that have come so far. */
  _here() {
    return this._list?.itemsHere() ?? [];
  }

  /** Adds what is selected with the tags that the model gave. */
  async _accept() {
    const corrections = this._selected().map((prediction) => ({
      predictionId: prediction.predictionId,
      tagIds: answeredTags(prediction, this._project, this._tags),
    }));
    const tagged = corrections.filter(({ tagIds }) => tagIds.length);
    const left = corrections.length - tagged.length;
    if (left) notice(`${counted(left, "prediction")} left: the project has the tag no more. Choose another with “Other tag…”.`, { isError: true });
    await this._add(tagged);
  }

  _askForTag() {
    const { projectId } = this._project;
    openDialog({
      title: `What do the ${counted(this._selected().length, "photo")} show?`,
      content: [tagField(this._tags, "Right tag")],
      action: "Add to the training images",
      submit: async (fields) => {
        const tagId = await tagNamed(projectId, this._tags, String(fields.get("tag")));
        await this._add(this._selected().map(({ predictionId }) => ({ predictionId, tagIds: [tagId] })));
      },
    });
  }

  /** Adds photos and takes their predictions out of the grid. Returns what went wrong. @param {import("./corrections.js").Correction[]} corrections */
  async _addQuietly(corrections) {
    /** @type {string[]} */
    const problems = [];
    await this._removing((gone) =>
      addToTraining(this._project.projectId, corrections, (outcomes) => {
        const added = outcomes.filter(({ isAdded }) => isAdded);
        problems.push(...outcomes.filter(({ isAdded }) => !isAdded).map(({ message }) => message));
        this._added.count(added);
        gone(added.map(({ predictionId }) => predictionId));
      }),
    );
    return problems;
  }

  /** @param {import("./corrections.js").Correction[]} corrections */
  async _add(corrections) {
    // Pressed twice, nothing is added twice.
    this._actions.inert = true;
    try {
      const problems = await this._addQuietly(corrections);
      for (const problem of problems.slice(0, MOST_TOLD)) notice(problem, { isError: true });
      if (problems.length > MOST_TOLD) notice(`${counted(problems.length - MOST_TOLD, "more photo")} could not be added; they are still selected.`, { isError: true });
    } finally {
      this._actions.inert = false;
    }
  }

  /** @param {any[]} predictions @param {() => void} [deleted] */
  _askToDelete(predictions, deleted) {
    const ids = predictions.map(({ predictionId }) => predictionId);
    if (!ids.length) return;
    openDialog({
      title: `Delete ${counted(ids.length, "prediction")}?`,
      content: [element("p", {}, "Photo and answer are gone for good. The training images stay as they are.")],
      action: "Delete",
      isDangerous: true,
      submit: async () => {
        await this._removing((gone) => deletePredictions(this._project.projectId, ids, gone));
        deleted?.();
      },
    });
  }

  /** Takes out of the grid what some work tells is gone: all at once, for what moved up would soon be gone as well. @param {(gone: (ids: string[]) => void) => Promise<void>} work */
  async _removing(work) {
    /** @type {string[]} */
    const ids = [];
    try {
      await work((gone) => ids.push(...gone));
    } finally {
      this._grid.remove(ids);
      if (!this._list?.count) this.refresh();
    }
  }

  /** @param {number} index */
  _open(index) {
    const indexOf = (/** @type {any} */ { predictionId }) => this._here().findIndex((each) => each.predictionId === predictionId);
    new PredictionDetail(this._list?.at(index), {
      project: this._project,
      tags: this._tags,
      iterationName: (iterationId) => this._iterationNames.get(iterationId) ?? "An iteration that is gone",
      answeredTags: (prediction) => answeredTags(prediction, this._project, this._tags),
      neighbour: async (prediction, step) => this._list?.item(indexOf(prediction) + step),
      add: async ({ predictionId }, tagIds) => (await this._addQuietly([{ predictionId, tagIds }])).join(" "),
      askToDelete: (prediction, deleted) => this._askToDelete([prediction], deleted),
      closed: (prediction) => {
        if (this._grid.element.isConnected) this._grid.focusOn(indexOf(prediction));
      },
    });
  }
}

function howTo() {
  return element("p", { class: "help" }, "A click selects, with shift all up to there. “⤢”, a double click or Enter shows one large, with all probabilities.");
}

/** @param {string} projectId */
function nothingKept(projectId) {
  return element(
    "div",
    { class: "card empty-state" },
    element("h2", {}, "No prediction is kept"),
    element(
      "p",
      {},
      "A model's answer is kept with its photo where the caller wants it: over REST unless the path ends in ",
      element("code", {}, "/nostore"),
      ", over gRPC and in Python with ",
      element("code", {}, "store"),
      ", in a quick test with “Keep photo and answer”. Here you then correct what it got wrong, and add it to the training images.",
    ),
    element(
      "p",
      { class: "ways" },
      element("a", { href: `/projects/${projectId}/settings` }, "The calls that ask the model"),
      element("a", { href: `/projects/${projectId}/quick-test` }, "Quick test"),
    ),
  );
}
