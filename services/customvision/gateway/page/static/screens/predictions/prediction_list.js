// Kept predictions as a list that grows, and what is drawn of each: its photo, and what the model took it for.

import { element } from "../../dom.js";
import { SequentialList } from "../../parts/sequential_list.js";
import { percent } from "../../words.js";

/** Returns the predictions that a ListPredictions request finds, with the first of them. @param {object} request */
export async function listedPredictions(request) {
  const list = new SequentialList({ service: "project", method: "ListPredictions", request, field: "predictions" });
  await list.item(0);
  return list;
}

/** Returns what is drawn of a prediction. @param {any} prediction @returns {import("../../parts/photo_grid.js").Drawn} */
export function predictionCell({ projectId, predictionId, predictions: [likeliest] }) {
  const share = percent(likeliest.probability);
  return {
    label: `${likeliest.tagName}, ${share}`,
    thumbnail: `/page/projects/${projectId}/predictions/${predictionId}/thumbnail`,
    caption: element("span", { class: "photo-tags photo-answer" }, element("bdi", {}, likeliest.tagName), element("span", {}, share)),
  };
}
