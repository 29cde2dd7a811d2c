// The last change can be taken back while its notice is shown: by its button, or with Control+Z.

import { notice } from "../../parts/notices.js";

/**
 * `undo` takes the change back. `settle` is called where it was not taken back and cannot be any more: `isLeaving` where the page is
 * being left and nothing can be waited for.
 *
 * @typedef {{ sentence: string, undo: () => Promise<void>, settle?: (isLeaving: boolean) => Promise<void> }} Undoable
 */

/** Offers to undo, one change at a time. */
export class Undo {
  constructor() {
    /** @type {Undoable | undefined} */
    this._undoable = undefined;
    this._close = () => {};
    /** @type {Promise<void>} */
    this._settling = Promise.resolve();
    this._onKey = this._onKey.bind(this);
    this._onPageHide = () => void this._settle(true);
    addEventListener("keydown", this._onKey);
    addEventListener("pagehide", this._onPageHide);
  }

  /** @param {Undoable} undoable */
  offer(undoable) {
    this._undoable = undoable;
    this._close = notice(undoable.sentence, {
      action: { name: "Undo", run: () => this._undo() },
      ended: () => this._undoable === undoable && this.settle(),
    });
  }

  /** Whether there is a change that is yet to be made final. */
  get isPending() {
    return this._undoable?.settle !== undefined;
  }

  /** Makes the last change final, and waits until it is. */
  async settle() {
    await this._settle(false);
    try {
      await this._settling;
    } finally {
      this._settling = Promise.resolve();
    }
  }

  /** Makes the last change final and listens no more: the screen is being left. */
  leave() {
    removeEventListener("keydown", this._onKey);
    removeEventListener("pagehide", this._onPageHide);
    return this.settle();
  }

  /** @param {boolean} isLeaving */
  async _settle(isLeaving) {
    const settled = this._taken();
    if (settled?.settle) this._settling = settled.settle(isLeaving);
  }

  async _undo() {
    const undone = this._taken();
    if (!undone) return;
    await undone.undo();
    notice("Undone.");
  }

  /** Returns what could be undone until now. */
  _taken() {
    const undoable = this._undoable;
    this._undoable = undefined;
    this._close();
    return undoable;
  }

  /** @param {KeyboardEvent} event */
  _onKey(event) {
    const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!isUndo || !this._undoable || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
    event.preventDefault();
    this._undo();
  }
}
