// How an iteration of a project does.

import { call } from "../calls.js";
import { element } from "../dom.js";
import { projectHead } from "../parts/tabs.js";

/** @param {string} projectId @param {string} iterationId empty: the newest @returns {Promise<import("../main.js").Screen>} */
export async function performanceScreen(projectId, iterationId) {
  const project = await call("project", "GetProject", { projectId });
  return { title: project.name, content: element("section", {}, projectHead(project, "performance"), iterationId) };
}
