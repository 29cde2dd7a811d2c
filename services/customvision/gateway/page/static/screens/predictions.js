// Predictions of a project.

import { call } from "../calls.js";
import { element } from "../dom.js";
import { projectHead } from "../parts/tabs.js";

/** @param {string} projectId @returns {Promise<import("../main.js").Screen>} */
export async function predictionsScreen(projectId) {
  const project = await call("project", "GetProject", { projectId });
  return { title: project.name, content: element("section", {}, projectHead(project, "predictions")) };
}
