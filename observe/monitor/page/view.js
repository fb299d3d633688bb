/// <reference lib="dom" />
// @ts-check
// What every view of the page is: types alone, for those who make views and for who shows them.

/**
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(what: "run" | "curves") => void} update
 * @property {() => void} [redraw] after a change of theme
 * @property {(event: KeyboardEvent) => boolean} [key] true when it used the key
 * @property {() => void} [close]
 */

/** @typedef {import("./live-run.js").LiveRun} LiveRun */
/** @typedef {import("./live-curves.js").LiveCurves} LiveCurves */

/** The run that is shown. @typedef {{run: LiveRun, curves: LiveCurves}} Shown */

export {};
