// Where the services are and which keys open them: given, else from the environment, else from keys.json.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { CustomVisionError } from "./errors.js";

/** Addresses are `host:port`. The training key opens everything, the prediction key predictions only. */
export interface Settings {
  projectAddress: string;
  trainingAddress: string;
  predictionAddress: string;
  trainingKey: string;
  predictionKey: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns `given`, completed from `CUSTOMVISION_*_ADDRESS`, `CUSTOMVISION_TRAINING_KEY`, `CUSTOMVISION_PREDICTION_KEY`,
 * then from `keys.json` in `CUSTOMVISION_HOME`, then from the defaults. Keys that are nowhere are empty.
 * Throws CustomVisionError KEYS_UNREADABLE where `keys.json` is needed and damaged.
 */
export function completeSettings(given: Partial<Settings> = {}, environment: Environment = process.env): Settings {
  const trainingKey = given.trainingKey || environment.CUSTOMVISION_TRAINING_KEY;
  const predictionKey = given.predictionKey || environment.CUSTOMVISION_PREDICTION_KEY;
  // A caller with one key of its own must not get the other from a suite that happens to live on this machine.
  const stored = trainingKey || predictionKey ? {} : readKeys(environment);
  return {
    projectAddress: given.projectAddress || environment.CUSTOMVISION_PROJECT_ADDRESS || "127.0.0.1:50051",
    trainingAddress: given.trainingAddress || environment.CUSTOMVISION_TRAINING_ADDRESS || "127.0.0.1:50052",
    predictionAddress: given.predictionAddress || environment.CUSTOMVISION_PREDICTION_ADDRESS || "127.0.0.1:50053",
    trainingKey: trainingKey || stored.training_key || "",
    predictionKey: predictionKey || stored.prediction_key || "",
  };
}

function readKeys(environment: Environment): { training_key?: string; prediction_key?: string } {
  const path = join(environment.CUSTOMVISION_HOME || join(homedir(), ".customvision"), "keys.json");
  try {
    const keys: unknown = JSON.parse(readFileSync(path, "utf8"));
    return keys as { training_key?: string; prediction_key?: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return {};
    }
    const message = `The keys in ${path} cannot be read: it must be JSON with training_key and prediction_key.`;
    throw new CustomVisionError("KEYS_UNREADABLE", message, status.INVALID_ARGUMENT);
  }
}
