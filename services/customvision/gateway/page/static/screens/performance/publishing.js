// Putting an iteration into service, taking it out, going back to another; and how the served model is doing.

import { call, callForAll } from "../../calls.js";
import { element } from "../../dom.js";
import { openDialog } from "../../parts/dialog.js";
import { COMPLETED } from "./iteration_list.js";
import { notice } from "../../parts/notices.js";
import { servedState } from "./served_state.js";

const FIRST_NAME = "production";

/**
 * Returns what can be done about the service of a completed iteration.
 *
 * @param {any} iteration
 * @param {any[]} iterations of the project, newest first
 * @param {() => Promise<void>} onChange
 * @param {AbortSignal} signal ends asking how the served model is doing
 */
export function publishing(iteration, iterations, onChange, signal) {
  const content = iteration.publishName ? inService(iteration, iterations, onChange, signal) : outOfService(iteration, iterations, onChange);
  return element("section", { class: "card", "aria-labelledby": "publishing-title" }, element("h2", { id: "publishing-title" }, "In service"), ...content);
}

/** @param {any} iteration @param {any[]} iterations @param {() => Promise<void>} onChange @param {AbortSignal} signal */
function inService(iteration, iterations, onChange, signal) {
  const older = iterations.filter(({ status, number }) => status === COMPLETED && Number(number) < Number(iteration.number));
  return [
    element("p", {}, "Answers as ", element("strong", { dir: "auto" }, iteration.publishName), "."),
    servedState(iteration, iterations, signal),
    element(
      "div",
      { class: "inline-buttons" },
      older.length > 0 && element("button", { type: "button", onclick: () => askToRollBack(iteration, older, onChange) }, "Roll back…"),
      element("button", { type: "button", onclick: () => askForPublishName(iteration, iterations, onChange) }, "Change the name…"),
      element("button", { type: "button", onclick: () => askToUnpublish(iteration, onChange) }, "Unpublish…"),
    ),
  ];
}

/** @param {any} iteration @param {any[]} iterations @param {() => Promise<void>} onChange */
function outOfService(iteration, iterations, onChange) {
  const replaced = iterations.filter(({ publishName }) => publishName);
  const replace = replaced.map((holder) =>
    element("button", { type: "button", class: "primary", onclick: () => askToReplace(iteration, holder, onChange) }, "Publish in place of ", element("bdi", {}, holder.name), "…"),
  );
  return [
    element("p", {}, "Nobody can ask this iteration until it is published under a name."),
    element(
      "div",
      { class: "inline-buttons" },
      ...replace,
      element("button", { type: "button", class: replace.length ? null : "primary", onclick: () => askForPublishName(iteration, iterations, onChange) }, replace.length ? "Publish under another name…" : "Publish…"),
    ),
  ];
}

/** @param {any} iteration @param {any[]} iterations @param {() => Promise<void>} onChange */
function askForPublishName(iteration, iterations, onChange) {
  const isFirst = iterations.every(({ publishName }) => !publishName);
  openDialog({
    title: iteration.publishName ? "Publish under another name" : "Publish this iteration",
    content: [
      iteration.publishName && element("p", {}, "Programs that ask for ", element("bdi", {}, iteration.publishName), " will find nothing there any more."),
      element("label", { for: "publish-name" }, "Publish name"),
      element("input", { id: "publish-name", name: "name", value: isFirst ? FIRST_NAME : iteration.publishName, required: true, maxlength: 128, autocomplete: "off", dir: "auto" }),
      element("span", { class: "help" }, "Programs ask for the model by this name; it can be given to another iteration later."),
    ],
    action: "Publish",
    submit: async (fields) => {
      const name = String(fields.get("name"));
      const now = await callForAll("project", "ListIterations", { projectId: iteration.projectId, pageSize: 1000 }, "iterations");
      const holder = now.find(({ iterationId, publishName }) => publishName === name && iterationId !== iteration.iterationId);
      if (!holder) return publish(iteration, name, onChange);
      // Once this dialog is closed: it would take the focus back with it.
      setTimeout(() => askToReplace(iteration, holder, onChange));
      return undefined;
    },
  });
}

/** @param {any} iteration @param {any} holder the iteration that has the name now @param {() => Promise<void>} onChange */
function askToReplace(iteration, holder, onChange) {
  openDialog({
    title: "Replace what answers now?",
    content: [
      element("p", {}, "Now ", element("bdi", {}, holder.name), " answers as ", element("strong", { dir: "auto" }, holder.publishName), "."),
      element("p", {}, "It will be ", element("bdi", {}, iteration.name), " instead, without a gap and without a change to any program. ", element("bdi", {}, holder.name), " stays in the project and can be published again."),
    ],
    action: "Replace",
    submit: () => publish(iteration, holder.publishName, onChange, { overwrite: true }),
  });
}

/** @param {any} iteration @param {any[]} older completed ones, newest first @param {() => Promise<void>} onChange */
function askToRollBack(iteration, older, onChange) {
  const options = older.map(({ iterationId, name, publishName }) =>
    // An iteration has one name at a time.
    element("option", { value: iterationId }, publishName ? `${name}, which then no longer answers as ${publishName}` : name),
  );
  openDialog({
    title: "Roll back",
    content: [
      element("p", {}, "An older iteration will answer as ", element("strong", { dir: "auto" }, iteration.publishName), " in place of ", element("bdi", {}, iteration.name), ", without a gap."),
      element("label", { for: "rolled-back" }, "Back to"),
      element("select", { id: "rolled-back", name: "iteration" }, ...options),
    ],
    action: "Roll back",
    submit: async (fields) => {
      const target = older.find(({ iterationId }) => iterationId === fields.get("iteration"));
      await publish(target, iteration.publishName, onChange, { overwrite: true });
    },
  });
}

/** @param {any} iteration @param {() => Promise<void>} onChange */
function askToUnpublish(iteration, onChange) {
  const { projectId, iterationId, publishName } = iteration;
  openDialog({
    title: "Take this iteration out of service?",
    content: [element("p", {}, "Programs that ask for ", element("strong", { dir: "auto" }, publishName), " will be refused until something is published under that name again.")],
    action: "Unpublish",
    isDangerous: true,
    submit: async () => {
      await call("project", "UnpublishIteration", { projectId, iterationId });
      notice("The iteration is out of service.");
      await onChange();
    },
  });
}

/** @param {any} iteration @param {string} publishName @param {() => Promise<void>} onChange @param {{ overwrite?: boolean }} [options] */
async function publish({ projectId, iterationId, name }, publishName, onChange, { overwrite = false } = {}) {
  await call("project", "PublishIteration", { projectId, iterationId, publishName, overwrite });
  notice(`${name} is published as ${publishName}.`);
  await onChange();
}
