/// <reference lib="dom" />
// @ts-check
// Light or dark: as the system says, until the user says otherwise here. Charts are drawn with colours
// read from the style sheet, so whoever draws listens for a change.

const key = "gnomic-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const current = () => localStorage.getItem(key) ?? (system.matches ? "dark" : "light");

const apply = () => document.documentElement.dataset.theme = current();

/** @param {() => void} changed */
export function startTheme(changed) {
  apply();
  system.addEventListener("change", () => {
    apply();
    changed();
  });
  return () => {
    localStorage.setItem(key, current() === "dark" ? "light" : "dark");
    apply();
    changed();
  };
}
