// Makes elements. Text stays text: nothing here, nor anywhere else, takes a string for HTML.

/** @typedef {Node | string | null | undefined | false} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Returns an element. Attributes that are functions are listeners (`onclick`); false and null are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  set(made, attributes);
  made.append(...children.filter(isChild));
  return made;
}

/**
 * Returns an element of a drawing.
 *
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {...Child} children
 */
export function drawing(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  made.append(...children.filter(isChild));
  return made;
}

/** @param {Element} made @param {Record<string, unknown>} attributes */
function set(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), /** @type {EventListener} */ (value));
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/** @param {Child} child @returns {child is Node | string} */
function isChild(child) {
  return child !== null && child !== undefined && child !== false;
}
