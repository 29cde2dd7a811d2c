// The events of a run as they happen, each once and in order, whatever happens to the connection meanwhile.

import { CallError, stream } from "../../calls.js";
import { NotSignedIn } from "../../session.js";

const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 5000;
// The service gives a sign of life every ten seconds: one that is silent for so long has gone without a word.
const SILENCE_MILLISECONDS = 30_000;
// What asking again would not change.
const FINAL_CODES = new Set(["NOT_FOUND", "INVALID_ARGUMENT", "OUT_OF_RANGE", "PERMISSION_DENIED", "UNAUTHENTICATED"]);
const FINAL_STATES = new Set(["TRAINING_STATE_SUCCEEDED", "TRAINING_STATE_FAILED", "TRAINING_STATE_CANCELLED"]);

/** True for a state that a run never leaves. @param {string} state */
export function isFinal(state) {
  return FINAL_STATES.has(state);
}

/**
 * Yields a run's events from the first to the one that ends it, and heartbeats. Connects again where the connection breaks.
 * Throws CallError where there is no such run, and NotSignedIn.
 *
 * @param {string} trainingRunId
 * @param {AbortSignal} signal ends it
 * @param {(isConnected: boolean) => void} onConnection is called when the connection is lost and when it is there again
 * @returns {AsyncGenerator<any>}
 */
export async function* trainingEvents(trainingRunId, signal, onConnection) {
  let seen = 0;
  let pause = FIRST_PAUSE_MILLISECONDS;
  while (!signal.aborted) {
    const connection = new Connection(signal);
    // The last one seen is asked for again: its coming shows at once that the connection is there.
    const request = { trainingRunId, afterSequence: Math.max(0, seen - 1) };
    try {
      for await (const event of stream("training", "WatchTraining", request, connection.signal)) {
        connection.isAlive();
        onConnection(true);
        pause = FIRST_PAUSE_MILLISECONDS;
        if (!event.heartbeat && Number(event.sequence) <= seen) continue;
        seen = Number(event.sequence);
        yield event;
        if (!event.heartbeat && isFinal(event.state)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NotSignedIn || (error instanceof CallError && FINAL_CODES.has(error.code))) throw error;
    } finally {
      connection.close();
    }
    onConnection(false);
    await elapsed(pause, signal);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MILLISECONDS);
  }
}

/** One connection, which ends with the signal that it was made with, and when nothing has come for long. */
class Connection {
  /** @param {AbortSignal} outer */
  constructor(outer) {
    this._ending = new AbortController();
    this._outer = outer;
    this.close = () => {
      clearTimeout(this._timer);
      this._outer.removeEventListener("abort", this.close);
      this._ending.abort();
    };
    this.signal = this._ending.signal;
    outer.addEventListener("abort", this.close);
    this.isAlive();
  }

  isAlive() {
    clearTimeout(this._timer);
    this._timer = setTimeout(this.close, SILENCE_MILLISECONDS);
  }
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} */
function elapsed(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
