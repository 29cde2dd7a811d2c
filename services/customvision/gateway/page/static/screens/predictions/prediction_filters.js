// Which kept predictions to show, and in which order.

import { element } from "../../dom.js";
import { counted } from "../../words.js";

const ORDERS = [
  { value: "PREDICTION_ORDER_SUGGESTED", label: "Most useful first" },
  { value: "PREDICTION_ORDER_NEWEST_FIRST", label: "Newest first" },
];
const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** A form that says what to list. */
export class PredictionFilters {
  /** @param {any[]} iterations @param {any[]} tags @param {() => void} changed is called whenever something else is to be listed */
  constructor(iterations, tags, changed) {
    const none = { value: "", label: "Any" };
    const narrowing = element(
      "div",
      { class: "filter-fields" },
      field("Iteration", select("iteration", [none, ...iterations.map(({ iterationId, name }) => ({ value: iterationId, label: name }))])),
      field("Tag", select("tag", [none, ...tags.map(({ tagId, name }) => ({ value: tagId, label: name }))])),
      field("Probability from (%)", element("input", { name: "from", type: "number", min: 0, max: 100, step: "any", placeholder: 0 })),
      field("to (%)", element("input", { name: "to", type: "number", min: 0, max: 100, step: "any", placeholder: 100 })),
      field("First day", element("input", { name: "first-day", type: "date" })),
      field("Last day", element("input", { name: "last-day", type: "date" })),
      field("Application", element("input", { name: "application", maxlength: 256, autocomplete: "off", placeholder: "Any" })),
    );
    const clear = element("button", { type: "reset", class: "quiet" }, "Show all");
    this._summary = element("summary", {}, "Filter");
    this.element = element(
      "form",
      { class: "prediction-filters" },
      field("Order", select("order", ORDERS)),
      element("details", {}, this._summary, element("div", { class: "card" }, narrowing, element("div", { class: "buttons" }, clear))),
    );
    const update = () => {
      if (!this.element.reportValidity()) return;
      this._show();
      changed();
    };
    this.element.addEventListener("change", update);
    this.element.addEventListener("submit", (event) => event.preventDefault());
    // The fields are empty only once the event is over.
    this.element.addEventListener("reset", () => setTimeout(update));
    this._show();
  }

  /** Whether all predictions are listed. */
  get isEmpty() {
    return !this._given().length;
  }

  /** Returns the fields of a ListPredictions request. */
  request() {
    const values = new FormData(this.element);
    const value = (/** @type {string} */ name) => String(values.get(name) ?? "");
    return {
      order: value("order"),
      ...(value("iteration") && { iterationId: value("iteration") }),
      ...(value("tag") && { tags: [{ tagId: value("tag"), ...range(value("from"), value("to")) }] }),
      ...(value("first-day") && { startTime: startOf(value("first-day")).toISOString() }),
      ...(value("last-day") && { endTime: endOf(value("last-day")).toISOString() }),
      ...(value("application") && { application: value("application") }),
    };
  }

  _show() {
    const hasTag = new FormData(this.element).get("tag") !== "";
    for (const name of ["from", "to"]) /** @type {HTMLInputElement} */ (this.element.elements.namedItem(name)).disabled = !hasTag;
    const count = this._given().length;
    this._summary.textContent = count ? `Filter: ${counted(count, "condition")}` : "Filter";
  }

  _given() {
    return [...new FormData(this.element)].filter(([name, value]) => name !== "order" && value !== "");
  }
}

/** @param {string} name @param {{ value: string, label: string }[]} options */
function select(name, options) {
  return element("select", { name }, ...options.map(({ value, label }) => element("option", { value }, label)));
}

/** @param {string} label @param {HTMLInputElement | HTMLSelectElement} input */
function field(label, input) {
  input.id = `filter-${input.name}`;
  return element("div", {}, element("label", { for: input.id }, label), input);
}

/** @param {string} from @param {string} to percentages, or nothing */
function range(from, to) {
  return { ...(from && { minProbability: Number(from) / 100 }), ...(to && { maxProbability: Number(to) / 100 }) };
}

/** @param {string} day in the reader's own time zone */
function startOf(day) {
  return new Date(`${day}T00:00`);
}

/** @param {string} day */
function endOf(day) {
  // A day may have 23 or 25 hours where clocks change.
  const next = new Date(startOf(day).getTime() + 1.5 * DAY_MILLISECONDS);
  next.setHours(0, 0, 0, 0);
  return next;
}
