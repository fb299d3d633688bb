// @ts-check
// Which runs' fixed losses compare: those that were measured on the same pictures, captions, timesteps and
// noise, with the same model. Lists letter the groups; two runs get the reasons in words.
// The trap: a run whose manifest does not say what it measured on compares with none.
import { firstFew } from "../../lib/first-few.js";

/** @typedef {import("../../inversion/measured-on.ts").MeasuredOn} MeasuredOn */

/** @type {Readonly<Record<keyof MeasuredOn, string>>} */
const titles = {
  pictures: "pictures",
  captions: "captions",
  timesteps: "timesteps",
  seed: "seed",
  size: "size",
  pooling: "pooled text",
  model: "model",
};

/**
 * Why fixed losses of two runs do not compare, a reason each; empty where they do.
 * @param {MeasuredOn | null} a @param {MeasuredOn | null} b
 * @returns {readonly string[]}
 */
export function incomparable(a, b) {
  if (a === null || b === null) return ["what was measured is not known of both"];
  return keysUnlike(a, b).map((key) => `${titles[key]} ${a[key]} against ${b[key]}`);
}

/**
 * Those that do not compare with `first`, together where the same is otherwise: by their places, with the
 * reason in words. A sweep over seeds would have one for each else.
 * @param {readonly MeasuredOn[]} others @param {MeasuredOn} first
 * @returns {readonly {places: readonly number[], reason: string}[]}
 */
export function unlike(others, first) {
  const places = others.map((_, place) => place);
  const byKeys = Map.groupBy(places, (place) => keysUnlike(others[place], first).join());
  return [...byKeys].filter(([keys]) => keys !== "").map(([, places]) => ({
    places,
    reason: keysUnlike(others[places[0]], first).map((key) => {
      const values = new Set(places.map((place) => String(others[place][key])));
      return `${titles[key]} ${firstFew([...values])} against ${first[key]}`;
    }).join("; "),
  }));
}

/** @param {MeasuredOn} a @param {MeasuredOn} b */
const keysUnlike = (a, b) =>
  /** @type {(keyof MeasuredOn)[]} */ (Object.keys(titles)).filter((key) => a[key] !== b[key]);

/**
 * A letter for each group of runs that compare, as they come; "?" where it is not known, null where no loss
 * was measured. Of one group there is nothing to tell apart, and each is null.
 * @param {readonly {on: MeasuredOn | null, measured: boolean}[]} runs
 * @returns {{groups: readonly (string | null)[], notes: readonly string[]}} `notes`: how groups differ from A
 */
export function measuredGroups(runs) {
  /** @type {MeasuredOn[]} */
  const found = [];
  const groups = runs.map(({ on, measured }) => {
    if (!measured) return null;
    if (on === null) return unknown;
    const known = found.findIndex((each) => incomparable(each, on).length === 0);
    return nameOf(known < 0 ? found.push(on) - 1 : known);
  });
  const hasUnknown = groups.includes(unknown);
  if (found.length + Number(hasUnknown) < 2) return { groups: runs.map(() => null), notes: [] };
  const [first, ...others] = found;
  return {
    groups,
    notes: [
      ...unlike(others, first).map(({ places, reason }) =>
        `${firstFew(places.map((place) => nameOf(place + 1)))} ${
          places.length === 1 ? "does" : "do"
        } not compare with A: ${reason}`
      ),
      ...(hasUnknown ? [`${unknown}: the run's manifest does not say what was measured`] : []),
    ],
  };
}

const unknown = "?";

/** A to Z, then A1 to Z1. @param {number} place */
const nameOf = (place) =>
  String.fromCharCode(65 + place % 26) + (place < 26 ? "" : Math.floor(place / 26));
