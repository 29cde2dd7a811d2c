// How an iteration of a project does, and what it is put to: service, export.

import { call, callForAll, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { Comparison } from "./comparison.js";
import { confusionMatrix } from "./confusion_matrix.js";
import { exports } from "./exports.js";
import { HeldOutResults } from "./held_out_results.js";
import { iterationHead } from "./iteration_head.js";
import { COMPLETED, iterationList } from "./iteration_list.js";
import { OverallFigures } from "./overall_figures.js";
import { PrecisionRecallChart } from "./precision_recall_chart.js";
import { publishing } from "./publishing.js";
import { projectHead } from "../../parts/tabs.js";
import { TagTable } from "./tag_table.js";

/** @param {string} projectId @param {string} iterationId empty: the newest that is completed @returns {Promise<import("../../main.js").Screen>} */
export async function performanceScreen(projectId, iterationId) {
  const [project, iterations] = await Promise.all([call("project", "GetProject", { projectId }), listed(projectId)]);
  const head = projectHead(project, "performance");
  const chosen = iterationId ? await find(projectId, iterationId, iterations) : (iterations.find(({ status }) => status === COMPLETED) ?? iterations[0]);
  if (!chosen) return { title: project.name, content: element("section", {}, head, nothing(projectId)) };
  const screen = new Performance(chosen, iterations);
  await screen.load();
  const content = element("section", {}, head, screen.element);
  return { title: `${chosen.name} · ${project.name}`, content, leave: () => screen.leave() };
}

class Performance {
  /** @param {any} iteration @param {any[]} iterations */
  constructor(iteration, iterations) {
    this._iteration = iteration;
    this._iterations = iterations;
    this._leaving = new AbortController();
    this._serving = new AbortController();
    this._list = element("aside", {});
    this._about = element("div", {});
    this._figures = element("div", {});
    this.element = element("div", { class: "performance" }, this._list, element("div", { class: "performance-main" }, this._about, this._figures));
  }

  /** Asks for the figures and shows everything. */
  async load() {
    this._showAbout();
    if (this._iteration.status !== COMPLETED) {
      const way = element("a", { href: `/projects/${this._iteration.projectId}/training` }, "To the training");
      return this._figures.replaceChildren(element("p", {}, way));
    }
    const { projectId, iterationId } = this._iteration;
    try {
      return await this._showFigures(await call("training", "GetPerformance", { projectId, iterationId }));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Publishing goes on without the training service.
      return this._figures.replaceChildren(this._withoutFigures(error.message));
    }
  }

  /** Ends what goes on. */
  leave() {
    this._leaving.abort();
    this._serving.abort();
  }

  /** @param {string} sentence */
  _withoutFigures(sentence) {
    const again = element("button", { type: "button", onclick: () => this.load() }, "Try again");
    return element("div", { class: "card" }, element("h2", {}, "No figures now"), element("p", { class: "problem", role: "alert" }, sentence), again);
  }

  /** @param {any} performance */
  async _showFigures(performance) {
    const iteration = this._iteration;
    const curve = new PrecisionRecallChart(iteration, performance);
    const results = new HeldOutResults(iteration, performance);
    const tags = new TagTable(performance, (tag) => results.open({ title: `Wrong images of ${tag.tagName}`, filter: { wrongTagId: tag.tagId } }));
    const others = this._iterations.filter(({ status, iterationId }) => status === COMPLETED && iterationId !== iteration.iterationId);
    const comparison = new Comparison(iteration, others, performance.threshold);
    const isMultilabel = !performance.confusion;
    const overall = new OverallFigures(iteration, performance, (changed) => {
      curve.show(changed);
      tags.show(changed);
      comparison.setThreshold(changed.threshold);
      // Where an image has one tag, the likeliest counts, whatever the threshold.
      if (isMultilabel) results.setThreshold(changed.threshold);
    });
    const openCell = (/** @type {import("./confusion_matrix.js").Cell} */ { tag, takenFor }) =>
      results.open({
        title: tag === takenFor ? `${tag.tagName}, told right` : `${tag.tagName} taken for ${takenFor.tagName}`,
        filter: { tagId: tag.tagId, takenForTagId: takenFor.tagId },
      });
    this._figures.replaceChildren(
      element("div", { class: "side-by-side" }, overall.element, curve.element),
      tags.element,
      ...(isMultilabel ? [] : [confusionMatrix(performance, openCell)]),
      results.element,
      comparison.element,
      exports(iteration, this._leaving.signal),
    );
    await Promise.all([curve.load(), results.load()]);
  }

  _showAbout() {
    this._serving.abort();
    this._serving = new AbortController();
    const iteration = this._iteration;
    const refresh = () => this._refresh();
    this._list.replaceChildren(iterationList(this._iterations, iteration.iterationId));
    this._about.replaceChildren(
      iterationHead(iteration, refresh),
      ...(iteration.status === COMPLETED ? [publishing(iteration, this._iterations, refresh, this._serving.signal)] : []),
    );
  }

  /** Asks again what was changed; the figures stay as they are. */
  async _refresh() {
    const { projectId, iterationId } = this._iteration;
    this._iterations = await listed(projectId);
    this._iteration = await find(projectId, iterationId, this._iterations);
    this._showAbout();
    // A dialog that closes gives the focus back to its button, which is gone.
    setTimeout(() => this._about.querySelector("h2")?.focus({ preventScroll: true }));
  }
}

/** @param {string} projectId @returns {Promise<any[]>} newest first */
function listed(projectId) {
  return callForAll("project", "ListIterations", { projectId, pageSize: 1000 }, "iterations");
}

/** @param {string} projectId @param {string} iterationId @param {any[]} iterations @returns {Promise<any>} */
async function find(projectId, iterationId, iterations) {
  // Where it is not among them, the service says why.
  return iterations.find((each) => each.iterationId === iterationId) ?? call("project", "GetIteration", { projectId, iterationId });
}

/** @param {string} projectId */
function nothing(projectId) {
  return element(
    "div",
    { class: "card empty-state" },
    element("h2", {}, "No iteration yet"),
    element("p", {}, "Train the project once; how well it does is then shown here."),
    element("a", { href: `/projects/${projectId}/training` }, "To the training"),
  );
}
