/// <reference lib="dom" />
// @ts-check
// The stages of the pipeline: how each stands, whether it ran or was taken from the cache and why, how
// long it took on one common time line, and what was tried again. The trap: a stage beside the training is
// there for as long as it and mostly waits, which is no work.
import { fill, h, icon } from "./dom.js";
import { dateTime, duration } from "./format.js";
import { totalSeconds, workedSeconds } from "../../reading/run-answers.js";

/** @typedef {import("./view.js").Shown} Shown */
/** @typedef {import("../../reading/run-state.js").StageState} StageState */

/** @param {StageState} stage */
const wordOf = ({ state, cached }) =>
  state === "done" && cached ? "cached" : {
    waiting: "waiting",
    running: "running",
    done: "done",
    failed: "failed",
    ended: "ended",
  }[state];

/** @param {StageState} stage @param {number} now */
function secondsOf({ seconds, startedAt, state }, now) {
  if (seconds !== null) return seconds;
  return startedAt === null || state !== "running" ? null : (now - startedAt) / 1000;
}

/** @typedef {import("../../reading/run-state.js").RunState} RunState */

/** From when to when a stage was there. @param {StageState} stage @param {number} now */
const presence = (stage, now) => ({
  from: stage.startedAt ?? now,
  to: (stage.startedAt ?? now) + (secondsOf(stage, now) ?? 0) * 1000,
});

/**
 * What a stage beside the training really worked, which otherwise waits for steps; null: it is none.
 * @param {StageState} stage @param {RunState} state @param {number} now
 * @returns {{from: number, to: number}[] | null}
 */
function workBeside(stage, { stages, validations }, now) {
  const trainer = stages.find(({ progress }) => progress?.unit === "steps");
  if (trainer === undefined || trainer === stage || trainer.startedAt === null) return null;
  if (stage.startedAt === null || stage.startedAt > trainer.startedAt) return null;
  const [mine, its] = [presence(stage, now), presence(trainer, now)];
  if (mine.to < its.to) return null;
  if (stage.progress?.unit !== "pictures") return [];
  return Object.values(validations).flatMap(({ startedAt, endedAt }) =>
    startedAt === null || startedAt < mine.from
      ? []
      : [{ from: startedAt, to: endedAt ?? Math.min(now, mine.to) }]
  );
}

/** @param {StageState} stage @param {{from: number, to: number, now: number}} span
 * @param {{from: number, to: number}[] | null} work */
function timeBar(stage, { from, to, now }, work) {
  const seconds = secondsOf(stage, now);
  const track = h("div", { class: "time-track" });
  if (stage.startedAt === null || seconds === null || to <= from) return track;
  const part = (/** @type {number} */ at) =>
    Math.min(100, Math.max(0, (at - from) / (to - from) * 100));
  const bar = (/** @type {{from: number, to: number}} */ time, /** @type {string} */ kind) => {
    const drawn = h("i", { class: kind });
    drawn.style.left = `${part(time.from)}%`;
    drawn.style.width = `max(3px, ${part(time.to) - part(time.from)}%)`;
    track.append(drawn);
  };
  bar(presence(stage, now), work === null ? wordOf(stage) : "beside");
  for (const time of work ?? []) bar(time, wordOf(stage));
  return track;
}

/** @param {StageState} stage @param {{from: number, to: number, now: number}} span @param {RunState} state */
function card(stage, span, state) {
  const { progress } = stage;
  const work = workBeside(stage, state, span.now);
  const worked = work?.reduce((sum, { from, to }) => sum + (to - from) / 1000, 0) ?? 0;
  const took = work === null
    ? duration(secondsOf(stage, span.now))
    : worked === 0
    ? "beside the training"
    : `${duration(worked)} of work beside the training`;
  return h(
    "li",
    { class: `stage-card ${wordOf(stage)}` },
    h(
      "div",
      { class: "stage-head" },
      h(
        "span",
        { class: "stage-sign" },
        stage.state === "done" ? icon("check") : stage.state === "failed" ? icon("cross") : null,
      ),
      h("b", {}, stage.stage),
      h("span", { class: `tag ${wordOf(stage)}` }, wordOf(stage)),
      stage.retries.length > 0
        ? h(
          "span",
          { class: "tag warn" },
          icon("retry"),
          `tried again ${stage.retries.length === 1 ? "once" : `${stage.retries.length} times`}`,
        )
        : null,
      h("span", { class: "stage-time" }, took),
    ),
    stage.why === "" ? null : h("p", { class: "why" }, stage.why),
    progress !== null && stage.state === "running"
      ? h(
        "p",
        { class: "stage-progress" },
        h("progress", { value: progress.done, max: progress.total }),
        ` ${progress.done} of ${progress.total} ${progress.unit}`,
      )
      : null,
    timeBar(stage, span, work),
    stage.error === null ? null : h("p", { class: "error" }, stage.error),
    stage.retries.length === 0 ? null : h(
      "ul",
      { class: "retries" },
      ...stage.retries.map(({ attempt, error, at }) =>
        h("li", {}, h("time", {}, dateTime(at)), `attempt ${attempt} after: ${error}`)
      ),
    ),
  );
}

/** @param {Shown} shown @returns {import("./view.js").View} */
export function createStages({ run }) {
  const list = h("ol", { class: "stage-list" });
  const versions = h("dl", { class: "figures small" });
  const own = h("ul", { class: "own-events" });

  const update = () => {
    const { state, alive } = run.description;
    const now = alive ? Date.now() : state.updatedAt ?? Date.now();
    const starts = state.stages.map(({ startedAt }) => startedAt).filter((at) => at !== null);
    const span = { from: Math.min(...starts, now), to: state.updatedAt ?? now, now };
    fill(list, ...state.stages.map((stage) => card(stage, span, state)));
    fill(
      own,
      ...state.own.toReversed().map(({ event, text, at }) =>
        h("li", {}, h("time", {}, dateTime(at)), h("strong", {}, event), ` ${text}`)
      ),
    );
    const facts = {
      started: dateTime(state.startedAt),
      attempt: String(state.attempts),
      "time worked": duration(workedSeconds(state.spans)),
      "time in all": duration(totalSeconds(state.spans)),
      device: state.device,
      ...state.versions,
    };
    fill(
      versions,
      ...Object.entries(facts).map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value))
      ),
    );
  };

  const ticking = setInterval(() => run.description.alive && update(), 1000);
  return {
    element: h("div", { class: "stages" }, versions, list, own),
    update: (what) => what === "run" && update(),
    close: () => clearInterval(ticking),
  };
}
