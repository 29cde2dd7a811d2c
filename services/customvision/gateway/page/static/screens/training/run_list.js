// The earlier training runs of a project, newest first, a page at a time.

import { call } from "../../calls.js";
import { element } from "../../dom.js";
import { isFinal } from "./training_events.js";
import { percent, time } from "../../words.js";
import { timeTaken } from "./run_outcome.js";
import { kindOf } from "./run_view.js";

export const RUNS_A_PAGE = 20;
/** How runs end. How others are doing is told where one is watched. @type {Record<string, string>} */
const STATES = {
  TRAINING_STATE_SUCCEEDED: "succeeded",
  TRAINING_STATE_FAILED: "failed",
  TRAINING_STATE_CANCELLED: "cancelled",
};

/**
 * @param {{ trainingRuns: any[], nextPageToken: string }} page the first
 * @param {any} project
 * @param {any[]} iterations
 * @param {(run: any) => void} onShow is called with the run that is to be shown as it went
 */
export function runList(page, project, iterations, onShow) {
  const list = element("ol", { class: "runs" });
  const more = element("button", { type: "button", onclick: () => load() }, "Show older ones");
  let token = "";
  const add = (/** @type {typeof page} */ { trainingRuns, nextPageToken }) => {
    list.append(...trainingRuns.map((run) => row(run, iterations, onShow)));
    token = nextPageToken;
    more.hidden = !token;
  };
  const load = async () => {
    more.disabled = true;
    try {
      add(await call("training", "ListTrainingRuns", { projectId: project.projectId, pageSize: RUNS_A_PAGE, pageToken: token }));
    } finally {
      more.disabled = false;
    }
  };
  add(page);
  return element("section", { class: "card", "aria-labelledby": "runs" }, element("h2", { id: "runs" }, "Trainings so far"), list, more);
}

/** @param {any} run @param {any[]} iterations @param {(run: any) => void} onShow */
function row(run, iterations, onShow) {
  const iteration = iterations.find(({ iterationId }) => iterationId === run.iterationId);
  const name = element("bdi", {}, iteration?.name ?? run.iterationName);
  const isModel = run.state === "TRAINING_STATE_SUCCEEDED" && iteration;
  const took = timeTaken(run);
  const facts = [kindOf(run), time(run.createTime), took && `took ${took}`].filter(Boolean).join(" · ");
  const show = element("button", { type: "button", class: "quiet", onclick: () => onShow(run) }, isFinal(run.state) ? "How it went" : "Watch");
  show.setAttribute("aria-label", `${show.textContent}: ${run.iterationName}`);
  return element(
    "li",
    { class: "run-row" },
    element(
      "div",
      {},
      isModel ? element("a", { href: `/projects/${run.projectId}/performance/${run.iterationId}` }, name) : name,
      " ",
      element("span", { class: `badge ${run.state === "TRAINING_STATE_FAILED" ? "error" : ""}` }, STATES[run.state] ?? "under way"),
      " ",
      iteration?.publishName && element("span", { class: "badge" }, "published as ", element("bdi", {}, iteration.publishName)),
      element("p", { class: "facts" }, facts),
    ),
    element("p", { class: "run-result" }, result(run, iteration)),
    show,
  );
}

/** @param {any} run @param {any} iteration */
function result(run, iteration) {
  if (run.state === "TRAINING_STATE_FAILED") return run.failureReason;
  if (run.state !== "TRAINING_STATE_SUCCEEDED") return "";
  if (!iteration) return "deleted since";
  return Number(iteration.metrics.heldOutImageCount) ? `${percent(iteration.metrics.accuracy)} right` : "not measured";
}
