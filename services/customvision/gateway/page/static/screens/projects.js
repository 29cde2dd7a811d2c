// All projects as cards, and making one.

import { call, callForAll, requestId } from "../calls.js";
import { element } from "../dom.js";
import { openDialog } from "../parts/dialog.js";
import { projectFields } from "../parts/project_fields.js";
import { show } from "../router.js";
import { counted, date } from "../words.js";

/** @returns {Promise<import("../main.js").Screen>} */
export async function projectsScreen() {
  const [projects, { domains }] = await Promise.all([
    callForAll("project", "ListProjects", { pageSize: 1000 }, "projects"),
    call("project", "ListDomains"),
  ]);
  const create = element("button", { type: "button", class: "primary", onclick: () => askForProject(domains) }, "New project");
  const head = element("div", { class: "title-row" }, element("h1", {}, "Projects"), create);
  // Those made last are those worked on.
  const cards = projects.reverse().map((project) => element("li", {}, card(project, domains)));
  const list = cards.length ? element("ul", { class: "cards" }, ...cards) : firstSteps();
  return { title: "Projects", content: element("section", {}, head, list) };
}

/** @param {any} project @param {any[]} domains */
function card(project, domains) {
  const domain = domains.find(({ domainId }) => domainId === project.domainId);
  return element(
    "a",
    { class: "card project", href: `/projects/${project.projectId}/images` },
    thumbnail(project),
    element("h2", { dir: "auto" }, project.name),
    element("p", { class: "facts" }, `${counted(project.imageCount, "image")} · ${counted(project.tagCount, "tag")}`),
    element("p", { class: "facts" }, `${domain?.name ?? ""} · ${date(project.createTime)}`),
    state(project),
  );
}

/** @param {any} project */
function thumbnail(project) {
  if (!project.thumbnailImageId) return element("div", { class: "thumbnail empty", "aria-hidden": "true" });
  const source = `/page/projects/${project.projectId}/images/${project.thumbnailImageId}/thumbnail`;
  return element("img", { class: "thumbnail", src: source, alt: "", loading: "lazy", width: 320, height: 180 });
}

/** @param {any} project */
function state(project) {
  if (project.status === "PROJECT_STATUS_IMPORTING") return element("p", { class: "badge" }, "is being copied");
  if (project.status === "PROJECT_STATUS_FAILED") return element("p", { class: "badge error" }, "copy failed");
  return null;
}

function firstSteps() {
  return element(
    "div",
    { class: "card empty-state" },
    element("h2", {}, "No project yet"),
    element("p", {}, "A project is one classifier in the making. Make one, add about 30 photos of each thing to tell apart, and train."),
  );
}

/** @param {any[]} domains */
function askForProject(domains) {
  // The same for every attempt of this dialog: pressed twice, it makes one project.
  const id = requestId();
  openDialog({
    title: "New project",
    content: projectFields(domains),
    action: "Create project",
    submit: async (fields) => {
      const project = await call("project", "CreateProject", { ...Object.fromEntries(fields), requestId: id });
      show(`/projects/${project.projectId}/images`);
    },
  });
}
