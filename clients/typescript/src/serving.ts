// From a published iteration to its answers.
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Calls } from "./calls.js";
import { CustomVisionError } from "./errors.js";
import { ModelState, type PredictionServiceService } from "./generated/customvision/v1/prediction_service.js";

const PAGE_SIZE = 1000;
const FIRST_PAUSE_SECONDS = 0.02;
const LONGEST_PAUSE_SECONDS = 0.5;

/** A model as it was published. */
export interface Publication {
  projectId: string;
  publishName: string;
  iterationId: string;
}

/**
 * Returns once predictions under the name are answered by the iteration. Throws CustomVisionError: MODEL_NOT_LOADED,
 * with the reason, where it cannot be; MODEL_NOT_SERVED_IN_TIME.
 */
export async function waitUntilServed(
  prediction: Calls<PredictionServiceService>,
  publication: Publication,
  { timeoutSeconds = 60 }: { timeoutSeconds?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  let pause = FIRST_PAUSE_SECONDS;
  while (true) {
    const outcome = await isServed(prediction, publication).catch(transientError);
    if (outcome === true) {
      return;
    }
    if (Date.now() > deadline) {
      throw outcome || tooLate(publication.publishName, timeoutSeconds);
    }
    await sleep(pause * 1000);
    pause = Math.min(2 * pause, LONGEST_PAUSE_SECONDS);
  }
}

// A service that is away for a moment may be back before the time is up.
function transientError(error: unknown): CustomVisionError {
  if (error instanceof CustomVisionError && error.isTransient) {
    return error;
  }
  throw error;
}

function tooLate(publishName: string, seconds: number): CustomVisionError {
  const message = `The prediction service has not loaded '${publishName}' after ${seconds} seconds; see its log.`;
  return new CustomVisionError("MODEL_NOT_SERVED_IN_TIME", message, status.DEADLINE_EXCEEDED);
}

async function isServed(prediction: Calls<PredictionServiceService>, publication: Publication): Promise<boolean> {
  const { projectId, publishName, iterationId } = publication;
  const { models } = await prediction.listModels({ projectId, pageSize: PAGE_SIZE });
  const model = models.find((model) => model.publishName === publishName);
  if (model?.state === ModelState.FAILED && model.iterationId === iterationId) {
    const message = `The prediction service could not load '${publishName}': ${model.failureReason}`;
    throw new CustomVisionError("MODEL_NOT_LOADED", message, status.FAILED_PRECONDITION);
  }
  return model?.servingIterationId === iterationId;
}
