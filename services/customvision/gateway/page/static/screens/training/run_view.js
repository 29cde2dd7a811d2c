// One training run as it goes: its phases, how far it is, its curves, and how to end it.

import { call, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { FINE_TUNING, PHASES, RunProgress } from "./run_progress.js";
import { isFinal, trainingEvents } from "./training_events.js";
import { counted, lasting, seconds } from "../../words.js";
import { notice } from "../../parts/notices.js";
import { runCurves } from "./run_curves.js";

const ADVANCED = "TRAINING_TYPE_ADVANCED";
const EMBEDDING = "TRAINING_PHASE_EMBEDDING_IMAGES";
// Runs wait in one queue for all projects; as many of the newest are looked through for what comes before.
const LOOKED_THROUGH = 200;

/** How a run was asked for, in words. @param {any} run */
export function kindOf(run) {
  return run.trainingType === ADVANCED ? `Advanced, ${lasting(seconds(run.trainingBudget))}` : "Quick";
}

export class RunView {
  /**
   * @param {any} run
   * @param {() => void} onEnd is called once the run has ended, and everything that it told is shown
   */
  constructor(run, onEnd) {
    this._run = run;
    this._onEnd = onEnd;
    this._leaving = new AbortController();
    this._progress = new RunProgress();
    this._isCancelling = false;
    this._ahead = 0;
    this._frame = 0;
    this._steps = PHASES.filter(([phase]) => run.trainingType === ADVANCED || phase !== FINE_TUNING).map(([phase, name]) => ({
      phase,
      item: element("li", { class: "step" }, name),
    }));
    this._bar = element("progress", { "aria-label": "How far this part is" });
    this._told = element("p", { class: "facts" });
    this._status = element("p", { class: "visually-hidden", role: "status" });
    this._connection = element("p", { class: "problem", role: "status" });
    this._warnings = element("ul", { class: "warnings", "aria-label": "Warnings", hidden: true });
    this._curves = element("div", {});
    this._cancel = element("button", { type: "button", onclick: () => this._askToEnd() }, "Cancel training");
    this._going = element("div", { class: "progress" }, this._bar, this._cancel);
    this.heading = element("h2", { tabindex: -1 }, element("bdi", {}, run.iterationName), " ", element("span", { class: "badge" }, kindOf(run)));
    this.element = element(
      "section",
      { class: "card run", "aria-label": "Training run" },
      this.heading,
      element("ol", { class: "steps", "aria-label": "Parts of the training" }, ...this._steps.map(({ item }) => item)),
      this._going,
      this._told,
      this._status,
      this._connection,
      this._warnings,
      this._curves,
    );
    this._draw();
    this._watch();
  }

  /** Ends the watch; the run goes on. */
  stop() {
    this._leaving.abort();
  }

  async _watch() {
    const { signal } = this._leaving;
    const connected = (/** @type {boolean} */ isConnected) => this._tellConnection(isConnected);
    try {
      for await (const event of trainingEvents(this._run.trainingRunId, signal, connected)) {
        if (signal.aborted) return;
        this._progress.apply(event);
        if (this._progress.state === "TRAINING_STATE_QUEUED") this._lookAhead();
        this._drawSoon();
      }
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this._going.hidden = true;
      return setText(this._connection, error.message);
    }
    if (signal.aborted) return;
    this._draw();
    this._onEnd();
  }

  /** However many events come, what they come to is drawn once a frame. */
  _drawSoon() {
    this._frame ||= requestAnimationFrame(() => this._draw());
  }

  _draw() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
    const { state, phase, done, total, warnings, courses } = this._progress;
    const isEnded = isFinal(state);
    this._drawSteps(isEnded);
    this._going.hidden = isEnded;
    if (total > 1) {
      this._bar.max = total;
      this._bar.value = done;
    } else this._bar.removeAttribute("value");
    this._cancel.disabled = this._isCancelling;
    setText(this._told, isEnded ? "" : this._words());
    const step = PHASES.find(([each]) => each === phase)?.[1];
    setText(this._status, isEnded ? "The training has ended." : (step ?? ""));
    // What came of it tells them, too.
    this._warnings.hidden = !warnings.size || state === "TRAINING_STATE_SUCCEEDED";
    for (const warning of [...warnings].slice(this._warnings.childElementCount)) {
      this._warnings.append(element("li", {}, warning));
    }
    const curves = runCurves(courses);
    this._curves.replaceChildren(...(curves ? [curves] : []));
  }

  /** @param {boolean} isEnded */
  _drawSteps(isEnded) {
    const { state, phase } = this._progress;
    const isWhole = state === "TRAINING_STATE_SUCCEEDED";
    const reached = this._steps.findIndex((step) => step.phase === phase);
    this._steps.forEach(({ item }, index) => {
      const isDone = isWhole || index < reached;
      item.classList.toggle("done", isDone);
      item.classList.toggle("stopped", isEnded && !isDone && index === reached);
      if (!isEnded && index === reached) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  _words() {
    const { state, phase, done, total, words, reason, secondsLeft } = this._progress;
    if (this._isCancelling) return "Cancelling: it ends within seconds.";
    if (state === "TRAINING_STATE_QUEUED") {
      const before = this._ahead ? `${counted(this._ahead, "training")} ${this._ahead === 1 ? "comes" : "come"} first.` : "";
      return [reason, "Waiting for its turn.", before].filter(Boolean).join(" ");
    }
    const left = secondsLeft === null ? "" : `about ${lasting(secondsLeft)} left`;
    const photos = phase === EMBEDDING && total > 1 ? `${done.toLocaleString()} of ${counted(total, "photo")}` : "";
    return [words || photos, left].filter(Boolean).join(" · ") || "Training…";
  }

  /** Counts the runs of all projects that come before this one: the queue is first come, first served. */
  async _lookAhead() {
    if (this._isLooking) return;
    this._isLooking = true;
    try {
      const { trainingRuns } = await call("training", "ListTrainingRuns", { pageSize: LOOKED_THROUGH });
      const own = trainingRuns.findIndex((/** @type {any} */ run) => run.trainingRunId === this._run.trainingRunId);
      this._ahead = trainingRuns.slice(own + 1).filter((/** @type {any} */ run) => !isFinal(run.state)).length;
      this._drawSoon();
    } catch (error) {
      // The watch tells that the service is away.
      if (!(error instanceof CallError)) throw error;
    } finally {
      this._isLooking = false;
    }
  }

  async _askToEnd() {
    this._isCancelling = true;
    this._draw();
    try {
      await call("training", "CancelTraining", { trainingRunId: this._run.trainingRunId });
    } catch (error) {
      this._isCancelling = false;
      this._draw();
      notice(error instanceof Error ? error.message : String(error), { isError: true });
    }
  }

  /** @param {boolean} isConnected */
  _tellConnection(isConnected) {
    setText(this._connection, isConnected ? "" : "The connection is lost; reconnecting… The training goes on meanwhile.");
  }
}

/** Changes a text only where it differs: screen readers read what changes. @param {HTMLElement} node @param {string} text */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = !text && node.getAttribute("role") !== "status";
}
