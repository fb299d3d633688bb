/// <reference lib="dom" />
// @ts-check
// A run that stays up to date: loaded once, then folded on with its live events. After a dropped
// connection it goes on behind the last event it has; told to reset, it loads anew.
// The trap: EventSource gives up for good on some errors, so it is made anew here, with a pause.
import { foldEvent } from "../../reading/fold-event.js";
import { eventsAddress, getRun } from "./server.js";

/** @typedef {import("../../../inversion/events.ts").RunEvent} RunEvent */
/** @typedef {import("../../reading/run-view.ts").RunView} RunView */

/**
 * @typedef {object} LiveRunHandlers
 * @property {(events: readonly RunEvent[]) => void} onEvents after they are in the state
 * @property {() => void} onReset after the run was loaded anew
 * @property {() => void} onConnection after `connection` or `alive` changed
 */

/**
 * @param {string} id
 * @param {LiveRunHandlers} handlers
 */
export async function openLiveRun(id, handlers) {
  const description = await getRun(id);
  const run = {
    id,
    description,
    /** @type {"connecting" | "live" | "lost"} */
    connection: "connecting",
    close,
  };
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let frame;
  /** @type {RunEvent[]} */
  let arrived = [];
  let offset = description.offset;
  let pause = 500;

  const setConnection = (/** @type {typeof run.connection} */ connection) => {
    if (run.connection === connection) return;
    run.connection = connection;
    handlers.onConnection();
  };

  const deliver = () => {
    frame = undefined;
    const events = arrived;
    arrived = [];
    for (const event of events) foldEvent(run.description.state, event);
    handlers.onEvents(events);
    if (events.some(({ event }) => event === "stage-finished")) loadRest();
  };

  /** What no event tells: a stage that finished may have left something to show. */
  const loadRest = async () => {
    const loaded = await getRun(id).catch(() => undefined);
    if (loaded === undefined) return;
    const { training, configuration } = loaded;
    run.description = { ...run.description, training, configuration };
    handlers.onConnection();
  };

  const loadAnew = async () => {
    source?.close();
    try {
      run.description = await getRun(id);
      offset = run.description.offset;
      arrived = [];
      handlers.onReset();
      connect();
    } catch {
      tryLater();
    }
  };

  const tryLater = () => {
    setConnection("lost");
    source?.close();
    clearTimeout(retry);
    retry = setTimeout(connect, pause);
    pause = Math.min(10_000, pause * 2);
  };

  const connect = () => {
    source = new EventSource(eventsAddress(id, offset));
    source.onopen = () => {
      pause = 500;
      setConnection("live");
    };
    source.onmessage = ({ data, lastEventId }) => {
      offset = Number(lastEventId);
      arrived.push(JSON.parse(data));
      frame ??= setTimeout(deliver, 100);
    };
    source.addEventListener("alive", ({ data }) => {
      const { alive } = JSON.parse(data);
      if (run.description.alive === alive) return;
      run.description = { ...run.description, alive };
      handlers.onConnection();
    });
    source.addEventListener("reset", loadAnew);
    source.onerror = tryLater;
  };

  function close() {
    source?.close();
    clearTimeout(retry);
    clearTimeout(frame);
  }

  connect();
  return run;
}

/** @typedef {Awaited<ReturnType<typeof openLiveRun>>} LiveRun */
