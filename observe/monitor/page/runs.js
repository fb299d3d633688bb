/// <reference lib="dom" />
// @ts-check
// All runs in the folder, running ones first, looked at again every few seconds.
import { fill, h } from "./dom.js";
import { ago, count, duration, loss } from "./format.js";
import { measuredGroups } from "../../reading/measured-alike.js";
import { remainingSeconds } from "../../reading/run-state.js";
import { statusOf } from "../../reading/run-status.js";
import { getRuns, pictureAddress } from "./server.js";
import { createSweeps } from "./sweeps.js";

/** @typedef {import("../../reading/run-list.ts").ListedRun} ListedRun */

const lookMilliseconds = 3000;

/** @param {ListedRun} run @param {string | null} group of runs whose fixed losses compare */
function card({ id, state, alive, picture }, group) {
  const status = statusOf(state, alive);
  const running = status.kind === "running";
  const part = state.totalSteps === 0 ? 0 : state.step / state.totalSteps;
  const bar = h("i");
  bar.style.width = `${part * 100}%`;
  return h(
    "a",
    { class: "run-card", href: `#/run/${encodeURIComponent(id)}/overview` },
    picture === null
      ? h("div", { class: "missing" })
      : h("img", { src: pictureAddress(id, picture, 320), alt: "", loading: "lazy" }),
    h(
      "div",
      {},
      h("b", {}, state.run || id),
      h("span", { class: `status ${status.kind}` }, status.word),
      h("div", { class: `progress${running ? " live" : ""}` }, bar),
      h(
        "p",
        { class: "muted" },
        `step ${count(state.step)} of ${count(state.totalSteps)} · `,
        running
          ? `${duration(remainingSeconds(/** @type {any} */ (state)))} left`
          : ago(state.updatedAt, Date.now()),
      ),
      h(
        "p",
        { class: "muted" },
        state.fixedLoss === null
          ? `loss ${loss(state.loss)}`
          : `best fixed loss ${loss(state.fixedLoss.bestLoss)} at step ${
            count(state.fixedLoss.bestStep)
          }`,
        group === null
          ? null
          : h("span", { class: "tag", title: "Fixed losses compare within a letter" }, group),
      ),
    ),
  );
}

/** @param {ListedRun[]} first @returns {import("./view.js").View} */
export function createRuns(first) {
  const list = h("div", { class: "run-cards" });
  const notice = h("p", { class: "notice", hidden: true });
  const sweeps = createSweeps();
  const show = (/** @type {ListedRun[]} */ runs) => {
    const running = (/** @type {ListedRun} */ { state, alive }) =>
      statusOf(state, alive).kind === "running";
    const sorted = runs.toSorted((a, b) =>
      Number(running(b)) - Number(running(a)) ||
      (b.state.updatedAt ?? 0) - (a.state.updatedAt ?? 0)
    );
    const { groups, notes } = measuredGroups(
      runs.map(({ measuredOn, state }) => ({ on: measuredOn, measured: state.fixedLoss !== null })),
    );
    notice.hidden = notes.length === 0;
    fill(
      notice,
      "Fixed losses compare only within a letter. ",
      ...notes.slice(0, 8).map((note) => h("span", { class: "muted" }, `${note}. `)),
    );
    fill(
      list,
      ...sorted.map((run) => card(run, groups[runs.indexOf(run)])),
      runs.length === 0
        ? h("p", { class: "waiting" }, "No runs here yet. They appear as soon as one starts.")
        : null,
    );
  };
  show(first);
  const looking = setInterval(() => getRuns().then(show, () => undefined), lookMilliseconds);
  return {
    element: h("div", { class: "runs" }, sweeps.element, h("h1", {}, "Runs"), notice, list),
    update: () => undefined,
    close() {
      clearInterval(looking);
      sweeps.close();
    },
  };
}
