// Following a training run through broken connections, restarts and drains: every event exactly once.
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Calls } from "./calls.js";
import { CustomVisionError } from "./errors.js";
import {
  TrainingState,
  type TrainingEvent,
  type TrainingServiceService,
} from "./generated/customvision/v1/training_service.js";

const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 5;
const FINAL_STATES: ReadonlySet<TrainingState> = new Set([
  TrainingState.SUCCEEDED,
  TrainingState.FAILED,
  TrainingState.CANCELLED,
]);

/** Where to begin a watch and how long to go on without a sign of life. */
export interface WatchOptions {
  /** The last sequence seen; 0, the default, replays all. */
  afterSequence?: number;
  /** Seconds that the service may stay away before its error is thrown; 300 by default. */
  patienceSeconds?: number;
  /** Ends the watch when it is aborted; the watch then throws. */
  signal?: AbortSignal | undefined;
}

/** Whether a run in this state has ended. */
export function isFinal(state: TrainingState): boolean {
  return FINAL_STATES.has(state);
}

/**
 * Yields the events of a run after `afterSequence`, each once and in order, without heartbeats, and ends after the one
 * that makes its state final. Throws CustomVisionError where there is no such run, or the service stays away too long.
 */
export async function* watchTraining(
  training: Calls<TrainingServiceService>,
  trainingRunId: string,
  { afterSequence = 0, patienceSeconds = 300, signal }: WatchOptions = {},
): AsyncGenerator<TrainingEvent, void, undefined> {
  let last = afterSequence;
  let pause = FIRST_PAUSE_SECONDS;
  let lastSign = Date.now();
  while (true) {
    try {
      for await (const event of training.watchTraining({ trainingRunId, afterSequence: last }, { signal })) {
        pause = FIRST_PAUSE_SECONDS;
        lastSign = Date.now();
        if (event.detail?.$case === "heartbeat" || event.sequence <= last) {
          continue;
        }
        if (event.sequence !== last + 1) {
          throw interrupted();
        }
        last = event.sequence;
        yield event;
        if (isFinal(event.state)) {
          return;
        }
      }
      // A stream ends without a final event where the watch began after it, or where the service stops.
      const run = await training.getTrainingRun({ trainingRunId }, { signal });
      if (isFinal(run.state) && run.lastSequence <= last) {
        return;
      }
    } catch (error) {
      const mayPass = error instanceof CustomVisionError && error.isTransient;
      if (!mayPass || Date.now() - lastSign > patienceSeconds * 1000) {
        throw error;
      }
    }
    // Clients that lost the same service do not return all at once.
    await sleep(pause * 1000 * (0.5 + Math.random() / 2), undefined, { signal });
    pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS);
  }
}

function interrupted(): CustomVisionError {
  const message = "The training service left an event out; the watch begins again after the last one.";
  return new CustomVisionError("WATCH_INTERRUPTED", message, status.UNAVAILABLE);
}
