// What a project is asked for, when it is made and when it is changed.

import { element } from "../dom.js";
import { megabytes, milliseconds } from "../words.js";

export const MULTICLASS = "CLASSIFICATION_TYPE_MULTICLASS";
export const MULTILABEL = "CLASSIFICATION_TYPE_MULTILABEL";
const KINDS = [
  { value: MULTICLASS, label: "One tag per image", help: "Each image shows one thing: a rose or a tulip. Probabilities add up to one." },
  { value: MULTILABEL, label: "Several tags per image", help: "An image may show several things, or none. Each tag has a probability of its own." },
];

/**
 * Returns the fields of a project, filled with its values.
 *
 * @param {any[]} domains
 * @param {{ name?: string, description?: string, classificationType?: string, domainId?: string }} project
 */
export function projectFields(domains, project = {}) {
  const { name = "", description = "", classificationType = MULTICLASS, domainId = domains[0].domainId } = project;
  return [
    element("label", { for: "name" }, "Name"),
    element("input", { id: "name", name: "name", value: name, required: true, maxlength: 128, autocomplete: "off" }),
    element("label", { for: "description" }, "Description ", element("span", { class: "optional" }, "(if you like)")),
    element("textarea", { id: "description", name: "description", rows: 2, maxlength: 1024 }, description),
    choices("What an image can be", "classificationType", KINDS, classificationType),
    choices("Kind of model", "domainId", domains.map(domainChoice), domainId),
  ];
}

/** @param {any} domain */
function domainChoice(domain) {
  const figures = `${megabytes(domain.weightsSizeBytes)}, ${milliseconds(domain.latency)} an image`;
  return { value: domain.domainId, label: domain.name, help: domain.description, figures };
}

/**
 * @param {string} legend
 * @param {string} name
 * @param {{ value: string, label: string, help: string, figures?: string }[]} options
 * @param {string} chosen
 */
function choices(legend, name, options, chosen) {
  const rows = options.map(({ value, label, help, figures }) => {
    const id = `${name}-${value}`;
    const radio = element("input", {
      type: "radio",
      name,
      value,
      checked: value === chosen,
      "aria-labelledby": id,
      "aria-describedby": figures ? `${id}-figures ${id}-help` : `${id}-help`,
    });
    const text = element(
      "span",
      {},
      element("strong", { id }, label),
      figures && element("span", { id: `${id}-figures`, class: "figures" }, figures),
      element("span", { id: `${id}-help`, class: "help" }, help),
    );
    return element("label", { class: "choice" }, radio, text);
  });
  return element("fieldset", {}, element("legend", {}, legend), element("div", { class: "choices" }, ...rows));
}
