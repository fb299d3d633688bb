// @ts-check
// What a run looks like, folded from its events. The server folds the file and sends the result; the page goes
// on folding the live events into it: one function.
// The trap: a resumed run starts its stages again, so a stage's state belongs to the last attempt.
import { metricsByEvent, valueIn } from "../../inversion/metrics.js";

/** @typedef {import("../../inversion/events.ts").RunEvent} RunEvent */
/** @typedef {import("../../inversion/events.ts").RunEventOf<"validation-picture">} PictureEvent */
/** @typedef {import("../../inversion/events.ts").RunEventOf<"rows">} RowsEvent */
/** @typedef {import("./run-state.js").RunState} RunState */
/** @typedef {import("./run-state.js").StageState} StageState */

const measured = metricsByEvent();
const keptRecent = 50;
const keptMessages = 100;

/** @param {string} stage @returns {StageState} */
const newStage = (stage) => ({
  stage,
  cached: false,
  why: "",
  state: "waiting",
  retries: [],
  progress: null,
  startedAt: null,
  seconds: null,
  error: null,
});

/** @param {RunState} state @param {string} name */
function stageOf(state, name) {
  const known = state.stages.find(({ stage }) => stage === name);
  if (known !== undefined) return known;
  const made = newStage(name);
  state.stages.push(made);
  return made;
}

/** @param {RunState} state @param {{step: number, epoch: number}} event */
const validationOf = (state, { step, epoch }) =>
  state.validations[step] ??= {
    step,
    epoch,
    state: "running",
    error: null,
    expected: Number.MAX_SAFE_INTEGER,
    drawn: 0,
    startedAt: null,
    endedAt: null,
    pictures: {},
  };

/**
 * Where a picture stands among the prompts. What somebody asked for instead of the configured prompts is
 * numbered from 0 too, and gets a row of its own.
 * @param {RunState} state @param {PictureEvent} event
 */
function rowOf({ prompts }, { prompt, text }) {
  prompts[prompt] ??= text;
  if (prompts[prompt] === text) return prompt;
  const known = prompts.indexOf(text);
  return known < 0 ? prompts.push(text) - 1 : known;
}

/** @param {RunState} state @param {RowsEvent} event */
function addRows(state, event) {
  state.rows = event.encoders;
  for (const { name, nearest } of event.encoders) {
    const histories = state.words[name] ??= [];
    for (const [row, words] of nearest.entries()) {
      const history = histories[row] ??= [];
      const word = words[0]?.[0];
      if (word !== undefined && history.at(-1)?.word !== word) {
        history.push({ from: event.step, word });
      }
    }
  }
}

/**
 * @param {RunState} state @param {"finished" | "paused" | "stopped" | "failed"} kind @param {string} text
 * @param {number} at
 */
function end(state, kind, text, at) {
  state.outcome = { kind, text, at };
  for (const stage of state.stages) if (stage.state === "running") stage.state = "ended";
}

/** @param {RunState} state @param {"note" | "warning"} kind @param {{text: string, at: number}} e */
function say(state, kind, { text, at }) {
  state.messages.push({ kind, text, at });
  if (state.messages.length > keptMessages) state.messages.shift();
}

/** @param {RunState} state @param {{readonly event: string}} event */
function addMetrics(state, event) {
  const step = Number(/** @type {any} */ (event).step ?? state.step);
  for (const metric of measured.get(event.event) ?? []) {
    const value = valueIn(metric, event);
    if (value === null) continue;
    const known = state.metrics[metric.key] ??= { first: value, last: value, step, recent: [] };
    Object.assign(known, { last: value, step });
    if (metric.figures?.mean === undefined) continue;
    known.recent.push(value);
    if (known.recent.length > keptRecent) known.recent.shift();
  }
}

/** @param {RunState} state @param {RunEvent} event */
function addSpan({ spans, outcome }, { event, at }) {
  const last = spans.at(-1);
  if (event === "run-started") spans.push({ from: at, to: at });
  // What comes behind an attempt's end is somebody's choice of a checkpoint.
  else if (last !== undefined && outcome === null) last.to = Math.max(last.to, at);
}

/** An event that only its stage knows, in words. @param {RunState} state @param {{[field: string]: unknown}} e */
function keepOwn(state, { event, at, ...fields }) {
  const text = Object.entries(fields).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  state.own.push({ event: String(event), text: text.join(", "), at: Number(at) });
  if (state.own.length > keptMessages) state.own.shift();
}

/**
 * Folds one event into `state`, which is changed.
 * @param {RunState} state
 * @param {RunEvent} event
 */
export function foldEvent(state, event) {
  state.updatedAt = event.at;
  addSpan(state, event);
  addMetrics(state, event);
  switch (event.event) {
    case "run-started":
      Object.assign(state, {
        run: event.run,
        trigger: event.trigger,
        device: event.device,
        versions: event.versions,
        attempts: event.attempt,
        totalSteps: event.totalSteps,
        startedAt: state.startedAt ?? event.at,
        outcome: null,
      });
      return;
    case "plan":
      state.stages = event.stages.map((planned) => ({ ...newStage(planned.stage), ...planned }));
      return;
    case "stage-started":
      Object.assign(stageOf(state, event.stage), { state: "running", startedAt: event.at });
      return;
    case "stage-progress":
      stageOf(state, event.stage).progress = {
        done: event.done,
        total: event.total,
        unit: event.unit,
      };
      // Of a length in epochs the run's start does not know the steps yet.
      if (event.unit === "steps") state.totalSteps = event.total;
      return;
    case "stage-retried":
      stageOf(state, event.stage).retries.push({
        attempt: event.attempt,
        error: event.error,
        at: event.at,
      });
      return;
    case "stage-finished":
      Object.assign(stageOf(state, event.stage), {
        state: "done",
        cached: event.cached,
        seconds: event.seconds,
      });
      return;
    case "stage-failed":
      Object.assign(stageOf(state, event.stage), { state: "failed", error: event.error });
      return;
    case "step":
      state.step = event.step;
      state.epoch = event.epoch;
      state.loss = event.loss;
      state.rate = event.lr;
      state.memory = event.rssBytes;
      return;
    case "fixed-loss":
      state.fixedLoss = {
        first: state.fixedLoss?.first ?? event.loss,
        last: event.loss,
        bestStep: event.bestStep,
        bestLoss: event.bestLoss,
        varianceRatio: event.varianceRatio,
        heldOut: event.heldOut ?? null,
        aboveBest: event.aboveBest ?? null,
        under: event.under ?? null,
      };
      return;
    case "rows":
      addRows(state, event);
      return;
    case "checkpoint": {
      const { step, epoch, path, best } = event;
      if (best) state.best = { step, epoch, path };
      else state.checkpoints[step] = { step, epoch, path, pruned: false };
      return;
    }
    case "checkpoint-pruned":
      if (event.step in state.checkpoints) state.checkpoints[event.step].pruned = true;
      return;
    case "validation-started":
      Object.assign(validationOf(state, event), {
        state: "running",
        error: null,
        expected: event.pictures,
        drawn: 0,
        startedAt: event.at,
        endedAt: null,
      });
      return;
    case "validation-picture": {
      const { text, path, width, height, at, pooling } = event;
      const key = `${rowOf(state, event)}-${event.image}`;
      const validation = validationOf(state, event);
      validation.pictures[key] = {
        ...{ text, path, width, height, at },
        ...(pooling === undefined ? {} : { pooling }),
      };
      validation.drawn += 1;
      // A killed process may have drawn all of them without saying that it has finished.
      if (validation.drawn >= validation.expected) validation.state = "finished";
      return;
    }
    case "validation-finished":
      Object.assign(validationOf(state, event), { state: "finished", endedAt: event.at });
      state.following = event.following ?? state.following;
      return;
    case "validation-failed":
      Object.assign(validationOf(state, event), {
        state: "failed",
        error: event.error,
        endedAt: event.at,
      });
      return;
    case "chosen":
      state.chosen = { step: event.step, path: event.path };
      return;
    case "note":
      say(state, "note", event);
      return;
    case "warning":
      say(state, "warning", event);
      return;
    case "run-finished":
      state.files = event.files;
      end(state, "finished", event.early ? "stopped early: it had converged" : "", event.at);
      return;
    case "run-stopped":
      end(state, "stopped", event.reason, event.at);
      return;
    case "run-paused":
      end(
        state,
        "paused",
        `it was to end after step ${event.step}; it goes on from there`,
        event.at,
      );
      return;
    case "run-failed":
      end(state, "failed", event.error, event.at);
      return;
    default:
      if (!measured.has(/** @type {any} */ (event).event)) keepOwn(state, event);
  }
}
