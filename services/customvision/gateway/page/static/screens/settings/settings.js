// One project: what it is, how to ask its models, its settings, and its end.

import { call, callForAll } from "../../calls.js";
import { element } from "../../dom.js";
import { openDialog } from "../../parts/dialog.js";
import { notice } from "../../parts/notices.js";
import { projectFields } from "../../parts/project_fields.js";
import { predictionCalls } from "./prediction_calls.js";
import { projectHead } from "../../parts/tabs.js";
import { show } from "../../router.js";
import { counted } from "../../words.js";

/** @param {string} projectId @returns {Promise<import("../../main.js").Screen>} */
export async function settingsScreen(projectId) {
  const [project, { domains }, iterations] = await Promise.all([
    call("project", "GetProject", { projectId }),
    call("project", "ListDomains"),
    callForAll("project", "ListIterations", { projectId }, "iterations"),
  ]);
  const content = element(
    "section",
    {},
    projectHead(project, "settings"),
    element("p", { class: "facts" }, [counted(project.imageCount, "image"), counted(project.tagCount, "tag"), counted(iterations.length, "iteration")].join(" · ")),
    await predictionCalls(project, iterations),
    settings(project, domains),
    ending(project, iterations),
  );
  return { title: project.name, content };
}

/** @param {any} project @param {any[]} domains */
function settings(project, domains) {
  const save = element("button", { type: "submit", class: "primary" }, "Save changes");
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const form = element("form", { class: "card" }, element("h2", {}, "Settings"), ...projectFields(domains, project), problem, element("div", { class: "buttons" }, save));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await call("project", "UpdateProject", { projectId: project.projectId, ...Object.fromEntries(new FormData(form)) });
      notice("The changes are saved.");
      show(location.pathname);
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
    }
  });
  return form;
}

/** @param {any} project @param {any[]} iterations */
function ending(project, iterations) {
  const remove = element("button", { type: "button", class: "danger", onclick: () => askToDelete(project, iterations) }, "Delete project…");
  return element("div", { class: "card" }, element("h2", {}, "Delete"), element("p", {}, "Nothing of a deleted project can be brought back."), remove);
}

/** @param {any} project @param {any[]} iterations */
function askToDelete(project, iterations) {
  const lost = [counted(project.imageCount, "image"), counted(project.tagCount, "tag"), counted(iterations.length, "trained iteration"), "all kept predictions"];
  openDialog({
    title: "Delete this project?",
    content: [
      element("p", {}, "This will be lost for good:"),
      element("ul", {}, ...lost.map((each) => element("li", {}, each))),
      element("label", { for: "confirmation" }, "Type the project's name to confirm: ", element("strong", { dir: "auto" }, project.name)),
      element("input", { id: "confirmation", name: "confirmation", autocomplete: "off", required: true }),
    ],
    action: "Delete project",
    isDangerous: true,
    submit: async (fields) => {
      if (fields.get("confirmation") !== project.name) throw new Error("That is not the project's name.");
      await call("project", "DeleteProject", { projectId: project.projectId });
      notice("The project is deleted.");
      show("/");
    },
  });
}
