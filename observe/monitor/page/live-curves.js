// @ts-check
// The curves of a run for the charts: thinned by the server, then extended by each live event. When
// many points have come, or the view changes, they are asked for again, thinned as a whole.
import { metrics } from "../../../inversion/metrics.js";
import { extendCurves, lastStepOf } from "../../reading/curves.js";
import { getCurves } from "./server.js";

/** @typedef {import("../../../inversion/events.ts").RunEvent} RunEvent */
/** @typedef {import("../../reading/curves.js").Curves} Curves */
/** @typedef {{smoothing: number, from?: number, to?: number}} CurveView */

const points = 900;
const mostAppended = 900;

/**
 * What came twice, by the curves and by the stream, is in them already.
 * @param {Curves} curves @param {RunEvent} event
 */
const isNew = (curves, event) => !("step" in event) || event.step > lastStepOf(curves, event.event);

/**
 * @param {string} id
 * @param {() => void} onChange
 */
export function liveCurves(id, onChange) {
  /** @type {CurveView} */
  let view = {
    smoothing: metrics.find(({ smoothing }) => smoothing !== undefined)?.smoothing ?? 0,
  };
  /** @type {Curves | undefined} */
  let data;
  let appended = 0;
  let asked = 0;
  /** Events that came while curves were on their way. @type {RunEvent[]} */
  let meanwhile = [];

  /** How many had something for them. @param {Curves} curves @param {readonly RunEvent[]} events */
  const extendBy = (curves, events) =>
    view.to === undefined
      ? events.filter((event) => isNew(curves, event) && extendCurves(curves, event)).length
      : 0;

  const load = async () => {
    const mine = ++asked;
    meanwhile = [];
    const loaded = await getCurves(id, { points, ...view }).catch(() => undefined);
    if (mine !== asked || loaded === undefined) return;
    data = loaded;
    appended = extendBy(loaded, meanwhile);
    onChange();
  };

  return {
    /** @returns {Curves | undefined} */
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
      const added = extendBy(data, events);
      appended += added;
      if (appended > mostAppended) load();
      else if (added > 0) onChange();
    },
  };
}

/** @typedef {ReturnType<typeof liveCurves>} LiveCurves */
