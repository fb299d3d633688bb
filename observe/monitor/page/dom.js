/// <reference lib="dom" />
// @ts-check
// Builds elements. Texts of runs (prompts, words, errors) get into the page only through here, as text
// nodes, so none of them can become markup.

/**
 * Makes an element. `props` are properties of the element; `class`, `dataset`, `aria-*`, `role` and
 * `on` (event handlers by name) are understood too.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "on") {
      for (const [type, handler] of Object.entries(value)) element.addEventListener(type, handler);
    } else if (name in element && !name.startsWith("aria-")) {
      Object.assign(element, { [name]: value });
    } else element.setAttribute(name, String(value));
  }
  element.append(...present(children));
  return element;
}

/** @param {readonly unknown[]} children @returns {(Node | string)[]} */
const present = (children) =>
  children.filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : String(child));

/** Replaces the content. @param {Element} element @param {...unknown} children */
export const fill = (element, ...children) => element.replaceChildren(...present(children));

/** Sets text only when it changed, so that a selection or a screen reader is left in peace. */
export function setText(/** @type {Element} */ element, /** @type {string} */ text) {
  if (element.textContent !== text) element.textContent = text;
}

const svgNamespace = "http://www.w3.org/2000/svg";

const iconPaths = {
  save: "M5 3h9l4 4v11H3V3h2zm1 0v5h7V3M6 18v-6h9v6",
  look:
    "M1.5 10.5S4.5 4.5 10.5 4.5s9 6 9 6-3 6-9 6-9-6-9-6zM13 10.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  stop: "M5 5h11v11H5z",
  star: "M10.5 2.5l2.5 5.3 5.8.7-4.3 4 1.1 5.7-5.1-2.8-5.1 2.8L6 12.500l-4.300-4 5.800-.7z",
  copy: "M7 7V3h11v11h-4M3 7h11v11H3z",
  theme: "M10.500 3a7.500 7.500 0 1 0 7.500 9A6 6 0 0 1 10.500 3z",
  keys:
    "M2.500 5.500h16v10h-16zM5.500 8.500h.01M8.500 8.500h.01M11.500 8.500h.01M14.500 8.500h.01M6 12.500h9",
  left: "M13 4l-6 6.500 6 6.500",
  right: "M8 4l6 6.500-6 6.500",
  play: "M6 3.500l11 7-11 7z",
  pause: "M6 4v13M14.500 4v13",
  check: "M3.500 11l4.500 4.500L17.500 5",
  cross: "M5 5l11 11M16 5L5 16",
  retry: "M17 6v4h-4M16.500 10A6.500 6.500 0 1 0 15 15.500",
  report: "M5 2.500h8l4 4v12H5zM8 10.500h6M8 13.500h6M8 7.500h2",
  grid: "M3 3h6v6H3zM12 3h6v6h-6zM3 12h6v6H3zM12 12h6v6h-6z",
};

/** A line icon, for the eye only. @param {keyof typeof iconPaths} name */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 21 21");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svgNamespace, "path");
  path.setAttribute("d", iconPaths[name]);
  svg.append(path);
  return svg;
}
