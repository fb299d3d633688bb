/// <reference lib="dom" />
// @ts-check
// Short messages that pass: what was asked, and what came of it. Read out by screen readers.
import { h } from "./dom.js";

const shownMilliseconds = 6000;
const mostShown = 4;

/** @param {string} text @param {"plain" | "good" | "bad"} [mood] */
export function toast(text, mood = "plain") {
  const message = h("p", { class: `toast ${mood}` }, text);
  const toasts = document.getElementById("toasts");
  toasts?.append(message);
  while (toasts !== null && toasts.children.length > mostShown) toasts.firstElementChild?.remove();
  setTimeout(() => message.remove(), shownMilliseconds);
}
