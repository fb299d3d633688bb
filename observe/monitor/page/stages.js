/// <reference lib="dom" />
// @ts-check
// The stages of the pipeline: how each stands, whether it ran or was taken from the cache and why, how
// long it took on one common time line, and what was tried again.
import { fill, h, icon } from "./dom.js";
import { dateTime, duration } from "./format.js";

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

/** @param {StageState} stage @param {{from: number, to: number, now: number}} span */
function timeBar(stage, { from, to, now }) {
  const seconds = secondsOf(stage, now);
  const track = h("div", { class: "time-track" });
  if (stage.startedAt === null || seconds === null || to <= from) return track;
  const part = (/** @type {number} */ at) =>
    Math.min(100, Math.max(0, (at - from) / (to - from) * 100));
  const bar = h("i", { class: wordOf(stage) });
  const left = part(stage.startedAt);
  bar.style.left = `${left}%`;
  bar.style.width = `max(3px, ${part(stage.startedAt + seconds * 1000) - left}%)`;
  track.append(bar);
  return track;
}

/** @param {StageState} stage @param {{from: number, to: number, now: number}} span */
function card(stage, span) {
  const { progress } = stage;
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
      h("span", { class: "stage-time" }, duration(secondsOf(stage, span.now))),
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
    timeBar(stage, span),
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
    fill(list, ...state.stages.map((stage) => card(stage, span)));
    fill(
      own,
      ...state.own.toReversed().map(({ event, text, at }) =>
        h("li", {}, h("time", {}, dateTime(at)), h("strong", {}, event), ` ${text}`)
      ),
    );
    const facts = {
      started: dateTime(state.startedAt),
      attempt: String(state.attempts),
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
