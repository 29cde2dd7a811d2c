// Quick test: what a model says of photos that are dropped, chosen, pasted, or at an address.

import { call, callForAll, sendPhoto } from "../../calls.js";
import { element } from "../../dom.js";
import { modelChoice } from "./model_choice.js";
import { PhotoAnswer } from "./photo_answer.js";
import { photoSource } from "./photo_source.js";
import { projectHead } from "../../parts/tabs.js";

// What kept answers are found by on the screen of predictions.
const APPLICATION = "Quick test";

/** @param {string} projectId @returns {Promise<import("../../main.js").Screen>} */
export async function quickTestScreen(projectId) {
  const [project, iterations] = await Promise.all([
    call("project", "GetProject", { projectId }),
    callForAll("project", "ListIterations", { projectId }, "iterations"),
  ]);
  const completed = iterations.filter(({ status }) => status === "ITERATION_STATUS_COMPLETED");
  const content = element("section", { class: "quick-test" }, projectHead(project, "quick-test"));
  if (!completed.length) {
    content.append(nothingTrained(projectId));
    return { title: project.name, content };
  }
  const test = new QuickTest(projectId, completed);
  const source = photoSource(content, {
    photos: (files) => test.askAbout(files.map((file) => ({ name: file.name, file }))),
    url: (url) => test.askAbout([{ name: url }]),
  });
  content.append(test.fields, source.element, test.said, test.answers);
  const leave = () => {
    source.leave();
    test.stop();
  };
  return { title: project.name, content, leave };
}

/** Asks about one photo after another, in the order in which they came; the newest are shown first. */
class QuickTest {
  /** @param {string} projectId @param {any[]} completed iterations */
  constructor(projectId, completed) {
    this._projectId = projectId;
    this._names = new Map(completed.map(({ iterationId, name }) => [iterationId, name]));
    const { field, chosen } = modelChoice(completed);
    this._chosen = chosen;
    this._keep = element("input", { type: "checkbox", id: "keep", "aria-describedby": "keep-help" });
    this.fields = element("div", { class: "card quick-test-fields" }, field, this._keepField());
    this.said = element("p", { class: "unseen", role: "status" });
    this.answers = element("ol", { class: "answers", "aria-label": "Answers" });
    this._before = Promise.resolve();
    this._isStopped = false;
  }

  /** Asks no more. */
  stop() {
    this._isStopped = true;
  }

  /** @param {import("./photo_answer.js").Asked[]} asked */
  askAbout(asked) {
    const cards = asked.map((each) => new PhotoAnswer(each, () => this._ask(each)));
    this.answers.prepend(...cards.map((card) => card.element));
    this._before = this._before.then(async () => {
      for (const card of cards) {
        if (this._isStopped) return;
        this.said.textContent = await card.run();
      }
    });
  }

  /** @param {import("./photo_answer.js").Asked} asked */
  async _ask({ name, file }) {
    const store = this._keep.checked;
    const fields = { ...this._chosen(), store, ...(store && { application: APPLICATION }) };
    const query = new URLSearchParams(Object.entries(fields).map(([field, value]) => [field, String(value)]));
    const answer = file
      ? await sendPhoto(`/page/projects/${this._projectId}/quick-test?${query}`, file)
      : await call("prediction", "Predict", { projectId: this._projectId, imageUrl: name, ...fields });
    const answered = `Answered by ${this._names.get(answer.iterationId) ?? answer.publishName}`;
    return { predictions: answer.predictions, notes: [answered, store && this._kept(answer)] };
  }

  /** @param {any} answer */
  _kept({ predictionId }) {
    if (!predictionId) return "Not kept: too many answers wait to be kept. Ask again later.";
    return element("span", {}, "Kept under ", element("a", { href: `/projects/${this._projectId}/predictions` }, "Predictions"), ".");
  }

  _keepField() {
    return element(
      "div",
      {},
      element("label", { class: "choice" }, this._keep, "Keep photo and answer for improvement"),
      element(
        "span",
        { id: "keep-help", class: "help" },
        "What is kept is shown under Predictions, where you say what is right and add it to the training images. Otherwise the photo is forgotten once it is answered.",
      ),
    );
  }
}

/** @param {string} projectId */
function nothingTrained(projectId) {
  return element(
    "div",
    { class: "card empty-state" },
    element("h2", {}, "Nothing is trained yet"),
    element("p", {}, "Once an iteration is trained, it answers here for any photo that you drop."),
    element("a", { href: `/projects/${projectId}/training` }, "Train this project"),
  );
}
