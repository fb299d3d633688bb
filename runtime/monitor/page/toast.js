/// <reference lib="dom" />
// @ts-check
// Short messages that pass: what was asked, and what came of it. Read out by screen readers.
import { h } from "./dom.js";

const shownMilliseconds = 6000;

/** @param {string} text @param {"plain" | "good" | "bad"} [mood] */
export function toast(text, mood = "plain") {
  const message = h("p", { class: `toast ${mood}` }, text);
  document.getElementById("toasts")?.append(message);
  setTimeout(() => message.remove(), shownMilliseconds);
}
