// How the prediction service is doing with a published iteration, asked again until it answers or has failed.

import { callForAll, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { time } from "../../words.js";

const ASKED_AGAIN_MILLISECONDS = 1000;

/** @param {any} iteration @param {any[]} iterations @param {AbortSignal} signal ends it */
export function servedState(iteration, iterations, signal) {
  const shown = element("p", { class: "served", role: "status" }, "…");
  follow(iteration, iterations, signal, (text, kind) => {
    // Told once: a screen reader reads whatever is put there.
    if (shown.textContent !== text) shown.textContent = text;
    shown.className = `served ${kind}`;
  });
  return shown;
}

/** @param {any} iteration @param {any[]} iterations @param {AbortSignal} signal @param {(text: string, kind: string) => void} tell */
async function follow(iteration, iterations, signal, tell) {
  while (!signal.aborted) {
    try {
      const models = await callForAll("prediction", "ListModels", { projectId: iteration.projectId }, "models");
      const model = models.find(({ publishName, iterationId }) => publishName === iteration.publishName && iterationId === iteration.iterationId);
      tell(...told(model, iterations));
      if (model && model.state !== "MODEL_STATE_LOADING") return;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      tell(`How it is doing cannot be asked: ${error.message}`, "failed");
    }
    await new Promise((resolve) => setTimeout(resolve, ASKED_AGAIN_MILLISECONDS));
  }
}

/** @param {any} model undefined until the prediction service has heard of it @param {any[]} iterations @returns {[string, string]} */
function told(model, iterations) {
  if (!model) return ["The prediction service has not heard of it yet.", "loading"];
  const { state, loadTime, resident, failureReason, servingIterationId, iterationId } = model;
  if (state === "MODEL_STATE_AVAILABLE") {
    const rest = resident ? "" : " It made room for others in memory; the next question brings it back.";
    return [`It is loaded and answers since ${time(loadTime)}.${rest}`, "available"];
  }
  const before = iterations.find((each) => each.iterationId === servingIterationId && servingIterationId !== iterationId);
  const meanwhile = before ? ` Until then ${before.name} answers.` : "";
  if (state === "MODEL_STATE_FAILED") return [`It could not be loaded: ${failureReason}${meanwhile}`, "failed"];
  return [`It is being loaded.${meanwhile}`, "loading"];
}
