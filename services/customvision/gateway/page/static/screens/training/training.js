// Training of a project: what lacks, how it is asked for, how it goes, what came of it, and the trainings so far.

import { call, callForAll } from "../../calls.js";
import { element } from "../../dom.js";
import { runList, RUNS_A_PAGE } from "./run_list.js";
import { runOutcome } from "./run_outcome.js";
import { RunView } from "./run_view.js";
import { projectHead } from "../../parts/tabs.js";
import { TrainingStart } from "./training_start.js";
import { isFinal } from "./training_events.js";

/** @param {string} projectId @returns {Promise<import("../../main.js").Screen>} */
export async function trainingScreen(projectId) {
  const training = new Training(await call("project", "GetProject", { projectId }));
  await training.open();
  return { title: training.project.name, content: training.element, leave: () => training.leave() };
}

class Training {
  /** @param {any} project */
  constructor(project) {
    this.project = project;
    this._current = element("div", {});
    this._start = element("div", {});
    this._runs = element("div", {});
    this.element = element("section", { class: "training" }, projectHead(project, "training"), this._current, this._start, this._runs);
  }

  /** Shows the run under way, or what came of the newest. */
  async open() {
    const { runs, iterations } = await this._refresh();
    const underWay = runs.find((run) => !isFinal(run.state));
    if (underWay) return this._follow(underWay);
    if (runs[0]) this._current.replaceChildren(await this._last(runs[0], iterations));
    return this._offer(iterations);
  }

  leave() {
    this._hasLeft = true;
    this._view?.stop();
  }

  /** Asks for runs and iterations again, and lists them. */
  async _refresh() {
    const { projectId } = this.project;
    const [page, iterations] = await Promise.all([
      call("training", "ListTrainingRuns", { projectId, pageSize: RUNS_A_PAGE }),
      callForAll("project", "ListIterations", { projectId, pageSize: 1000 }, "iterations"),
    ]);
    /** @type {any[]} */
    const runs = page.trainingRuns;
    this._runs.replaceChildren(...(runs.length ? [runList(page, this.project, iterations, (run) => this._follow(run))] : []));
    return { runs, iterations };
  }

  /** @param {any[]} iterations */
  async _offer(iterations) {
    const tags = await callForAll("project", "ListTags", { projectId: this.project.projectId, pageSize: 1000 }, "tags");
    const start = new TrainingStart(this.project, iterations, tags, (run) => this._begun(run));
    await start.check();
    this._start.replaceChildren(start.element);
  }

  /** @param {any} run */
  _begun(run) {
    this._start.replaceChildren();
    this._follow(run);
    this._refresh();
  }

  /** Shows a run from its first event on. @param {any} run */
  _follow(run) {
    this._view?.stop();
    if (this._hasLeft) return;
    const view = new RunView(run, () => this._ended(run, view));
    this._view = view;
    this._current.replaceChildren(view.element);
    view.heading.focus();
  }

  /** @param {any} run @param {RunView} view */
  async _ended({ trainingRunId }, view) {
    const [run, { runs, iterations }] = await Promise.all([call("training", "GetTrainingRun", { trainingRunId }), this._refresh()]);
    view.element.append(await runOutcome(run, iterations));
    const isOffered = this._start.childElementCount > 0;
    if (!isOffered && runs.every(({ state }) => isFinal(state))) await this._offer(iterations);
  }

  /** @param {any} run @param {any[]} iterations */
  async _last(run, iterations) {
    const show = element("button", { type: "button", class: "quiet", onclick: () => this._follow(run) }, "How it went");
    const heading = element("h2", {}, "Newest training: ", element("bdi", {}, run.iterationName));
    return element("section", { class: "card run" }, element("div", { class: "title-row" }, heading, show), await runOutcome(run, iterations));
  }
}
