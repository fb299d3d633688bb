// @ts-check
// The curves of a run for the charts: thinned by the server, then extended by each live event. When
// many points have come, or the view changes, they are asked for again, thinned as a whole.
import { smooth } from "./smoothing.js";
import { getCurves } from "./server.js";

/** @typedef {import("../../../inversion/events.ts").RunEvent} RunEvent */
/** @typedef {import("../../reading/curves.ts").ThinnedCurves} ThinnedCurves */
/** @typedef {{smoothing: number, from?: number, to?: number}} CurveView */

const points = 900;
const mostAppended = 900;

/** @param {{min: number[], max: number[], last: number[]}} curve @param {number} value */
function append(curve, value) {
  curve.min.push(value);
  curve.max.push(value);
  curve.last.push(value);
}

/** @param {any} curves @param {RunEvent} event @param {number} smoothing */
function extend({ steps, fixed, rows }, event, smoothing) {
  if (event.event === "step" && event.step > (steps.step.at(-1) ?? -1)) {
    steps.step.push(event.step);
    append(steps.loss, event.loss);
    steps.smoothed.push(smooth(steps.smoothing, event.loss, smoothing));
    steps.rate.push(event.lr);
    steps.adaptedRate.push(event.dLr ?? null);
    append(steps.gradientNorm, event.gradientNorm);
    steps.gradientShare.push(event.gradientShare[0]);
    append(steps.seconds, event.seconds);
    steps.memory.push(event.rssBytes);
    return 1;
  }
  if (event.event === "fixed-loss" && event.step > (fixed.step.at(-1) ?? -1)) {
    fixed.step.push(event.step);
    append(fixed.loss, event.loss);
    return 1;
  }
  if (event.event === "rows" && event.step > (rows.step.at(-1) ?? -1)) {
    rows.step.push(event.step);
    for (const [i, encoder] of event.encoders.entries()) {
      const curve = rows.encoders[i] ??= {
        name: encoder.name,
        vocabularyNorms: encoder.vocabularyNorms,
        norms: encoder.norms.map(() => []),
        cosines: encoder.cosines.map(() => []),
      };
      encoder.norms.forEach((norm, row) => curve.norms[row]?.push(norm));
      encoder.cosines.forEach((cosine, row) => curve.cosines[row]?.push(cosine));
    }
    return 1;
  }
  return 0;
}

/**
 * @param {string} id
 * @param {() => void} onChange
 */
export function liveCurves(id, onChange) {
  /** @type {CurveView} */
  let view = { smoothing: 0.9 };
  /** @type {ThinnedCurves | undefined} */
  let data;
  let appended = 0;
  let asked = 0;
  /** Events that came while curves were on their way. @type {RunEvent[]} */
  let meanwhile = [];

  const extendBy = (/** @type {readonly RunEvent[]} */ events) =>
    view.to === undefined
      ? events.reduce((added, event) => added + extend(data, event, view.smoothing), 0)
      : 0;

  const load = async () => {
    const mine = ++asked;
    meanwhile = [];
    const loaded = await getCurves(id, { points, ...view }).catch(() => undefined);
    if (mine !== asked || loaded === undefined) return;
    data = loaded;
    appended = extendBy(meanwhile);
    onChange();
  };

  return {
    /** @returns {ThinnedCurves | undefined} */
    get data() {
      return data;
    },
    get view() {
      return view;
    },
    load,
    /** @param {Partial<CurveView>} change */
    async show(change) {
      view = { ...view, ...change };
      await load();
    },
    /** @param {readonly RunEvent[]} events */
    extend(events) {
      meanwhile.push(...events);
      if (data === undefined) return;
      const added = extendBy(events);
      appended += added;
      if (appended > mostAppended) load();
      else if (added > 0) onChange();
    },
  };
}

/** @typedef {ReturnType<typeof liveCurves>} LiveCurves */
