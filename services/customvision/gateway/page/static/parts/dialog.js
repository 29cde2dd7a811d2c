// A dialog with a form: the browser keeps the focus inside it and closes it on Escape.

import { element } from "../dom.js";

/**
 * Opens a dialog. `submit` is called with the form's fields; what it throws is shown in the dialog, which stays open.
 *
 * @param {{
 *   title: string,
 *   content: (import("../dom.js").Child)[],
 *   action: string,
 *   isDangerous?: boolean,
 *   submit: (fields: FormData) => Promise<void>,
 * }} options
 */
export function openDialog({ title, content, action, isDangerous = false, submit }) {
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const button = element("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, action);
  const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const heading = element("h2", { id: "dialog-title" }, title);
  const buttons = element("div", { class: "buttons" }, cancel, button);
  const form = element("form", { method: "dialog" }, heading, ...content, problem, buttons);
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await submit(new FormData(form));
      dialog.close();
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
