// What is known of a training run from the events seen so far.

import { seconds } from "../../words.js";

export const FINE_TUNING = "TRAINING_PHASE_FINE_TUNING";
/** The phases of a run, in order, and what they do in words. @type {[string, string][]} */
export const PHASES = [
  ["TRAINING_PHASE_PREPARING_BACKBONE", "Preparing"],
  ["TRAINING_PHASE_READING_DATA_SET", "Reading"],
  ["TRAINING_PHASE_EMBEDDING_IMAGES", "Looking at photos"],
  ["TRAINING_PHASE_FITTING_HEAD", "Fitting"],
  [FINE_TUNING, "Fine-tuning"],
  ["TRAINING_PHASE_EVALUATING", "Measuring"],
  ["TRAINING_PHASE_SAVING", "Saving"],
];
const TRIAL = "FINE_TUNING_COURSE_TRIAL";
const REPEAT = "FINE_TUNING_COURSE_REPEAT";
const FINAL = "FINE_TUNING_COURSE_FINAL";

/** @typedef {[number, number][]} Points epochs across, a figure up */
/** @typedef {{ name: string, epochs: number, loss: Points, accuracy: Points, heldOutLoss: Points, heldOutAccuracy: Points }} Course */

export class RunProgress {
  constructor() {
    this.state = "TRAINING_STATE_QUEUED";
    this.reason = "";
    this.phase = "";
    this.done = 0;
    this.total = 0;
    this.words = "";
    /** @type {number | null} */
    this.secondsLeft = null;
    /** @type {Set<string>} */
    this.warnings = new Set();
    /** @type {Map<string, Course>} */
    this._courses = new Map();
  }

  /** Takes in the next event of the run. @param {any} event */
  apply(event) {
    if (event.heartbeat) return;
    this.state = event.state;
    if (event.stateChange) this._stateChange(event);
    else if (event.progress) this._phaseProgress(event.progress);
    else if (event.fineTuning) this._fineTuning(event.fineTuning);
    else if (event.warning) this.warnings.add(event.warning);
  }

  /** The courses of fine-tuning so far, in order. */
  get courses() {
    return [...this._courses.values()];
  }

  _startOver() {
    this.phase = "";
    this.done = 0;
    this.total = 0;
    this.words = "";
    this.secondsLeft = null;
    this._courses.clear();
  }

  /** @param {any} event */
  _stateChange(event) {
    this.reason = event.stateChange.reason;
    // Queued again after an interruption: the phases start over.
    if (event.state === "TRAINING_STATE_QUEUED") this._startOver();
  }

  /** @param {any} progress */
  _phaseProgress(progress) {
    this.phase = progress.phase;
    // Fine-tuning was told in batches already, which are finer.
    if (progress.phase === FINE_TUNING && this._courses.size) return;
    this.done = Number(progress.done);
    this.total = Number(progress.total);
    this.words = "";
    this.secondsLeft = left(progress);
  }

  /** @param {any} told */
  _fineTuning(told) {
    this.phase = FINE_TUNING;
    const [before, courses] = place(told);
    const batches = told.epochs * told.batches;
    this.done = before * batches + (told.epoch - 1) * told.batches + told.batch;
    this.total = courses * batches;
    this.words = [courseName(told), `epoch ${told.epoch} of ${told.epochs}`].filter(Boolean).join(", ");
    this.secondsLeft = left(told);
    this._addToCurves(told);
  }

  /** @param {any} told */
  _addToCurves(told) {
    const key = `${told.course} ${told.repeat}`;
    const course = this._courses.get(key) ?? { name: courseName(told), epochs: 0, loss: [], accuracy: [], heldOutLoss: [], heldOutAccuracy: [] };
    this._courses.set(key, course);
    course.epochs = told.epochs;
    const at = told.epoch - 1 + told.batch / told.batches;
    putPoint(course.loss, told.epoch, [at, told.loss]);
    putPoint(course.accuracy, told.epoch, [at, told.accuracy]);
    if (told.heldOutLoss !== undefined) putPoint(course.heldOutLoss, told.epoch, [told.epoch, told.heldOutLoss]);
    if (told.heldOutAccuracy !== undefined) putPoint(course.heldOutAccuracy, told.epoch, [told.epoch, told.heldOutAccuracy]);
  }
}

/** Puts the point of an epoch in place of the one it had: a curve has a point for each epoch, however many batches. @param {Points} points @param {number} epoch @param {[number, number]} point */
function putPoint(points, epoch, point) {
  const last = points.at(-1);
  if (last && Math.ceil(last[0]) === epoch) points.pop();
  points.push(point);
}

/** @param {any} told @returns {number | null} */
function left(told) {
  return told.timeLeft === undefined ? null : seconds(told.timeLeft);
}

/** Which course of how many, counted from 0; one of one where an older service does not tell. @param {any} told @returns {[number, number]} */
function place(told) {
  const before = { [TRIAL]: 0, [REPEAT]: told.repeat, [FINAL]: told.repeats + 1 }[/** @type {string} */ (told.course)];
  return before === undefined ? [0, 1] : [before, told.repeats + 2];
}

/** @param {any} told @returns {string} */
function courseName(told) {
  /** @type {Record<string, string>} */
  const names = { [TRIAL]: "Trial", [REPEAT]: `Repeat ${told.repeat} of ${told.repeats}`, [FINAL]: "On all photos" };
  return names[told.course] ?? "";
}
