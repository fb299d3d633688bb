/// <reference lib="dom" />
// @ts-check
// The bar on top: which run, how it stands, how far it is, what can be asked of it, and the views.
import { fill, h, icon, setText } from "./dom.js";
import { count, duration } from "./format.js";
import { remainingSeconds } from "../../reading/run-answers.js";
import { statusOf } from "../../reading/run-status.js";
import { reportAddress } from "./server.js";
import { askStop, askValidate, request } from "./steering.js";

/** @typedef {import("./live-run.js").LiveRun} LiveRun */

export const views = [
  { name: "overview", title: "Overview" },
  { name: "pictures", title: "Pictures" },
  { name: "rows", title: "Rows" },
  { name: "stages", title: "Stages" },
  { name: "configuration", title: "Configuration" },
  { name: "compare", title: "Compare" },
];

/** @param {{toggleTheme: () => void, showKeys: () => void}} actions */
export function createHeader({ toggleTheme, showKeys }) {
  const name = h("span", { class: "run-name" });
  const status = h("span", { class: "status", role: "status" });
  const progress = h("div", {
    class: "progress",
    role: "progressbar",
    "aria-label": "steps done",
    "aria-valuemin": 0,
  }, h("i"));
  const summary = h("span", { class: "summary muted" });
  const lost = h("span", { class: "lost", hidden: true }, "connection lost, trying again …");
  const tabs = h("nav", { class: "tabs", "aria-label": "views" });
  /** @type {LiveRun | null} */
  let run = null;

  const button = (
    /** @type {string} */ label,
    /** @type {Parameters<typeof icon>[0]} */ sign,
    /** @type {string} */ title,
    /** @type {(run: LiveRun) => void} */ act,
  ) =>
    h(
      "button",
      { class: "action", title, on: { click: () => run !== null && act(run) } },
      icon(sign),
      h("span", {}, label),
    );

  const steering = h(
    "div",
    { class: "steering", role: "group", "aria-label": "ask the training" },
    button("Save now", "save", "Write a checkpoint after this step", (run) =>
      request(
        run,
        { request: "save" },
        "Asked. The checkpoint is written after this step.",
      )),
    button("Validate …", "look", "Draw pictures after this step, with these or other prompts", (
      run,
    ) => askValidate(run)),
    button("Stop …", "stop", "Stop after this step; the run can go on later", askStop),
  );
  const report = h(
    "a",
    { class: "action", title: "One file with everything, to keep or to send", target: "_blank" },
    icon("report"),
    h("span", {}, "Report"),
  );

  const element = document.getElementById("header");
  if (element === null) throw new Error("no header");
  fill(
    element,
    h(
      "div",
      { class: "bar" },
      h(
        "a",
        { class: "brand", href: "#/", title: "All runs" },
        h("img", { src: "/gnomic.svg", alt: "", width: 26, height: 26 }),
        h("b", {}, "gnomic"),
      ),
      h("span", { class: "where" }, name, status, summary, lost),
      steering,
      report,
      h(
        "button",
        {
          class: "action bare keys-button",
          title: "Keys (?)",
          "aria-label": "Keys",
          on: { click: showKeys },
        },
        icon("keys"),
      ),
      h(
        "button",
        {
          class: "action bare",
          title: "Light or dark (t)",
          "aria-label": "Light or dark",
          on: { click: toggleTheme },
        },
        icon("theme"),
      ),
    ),
    tabs,
    progress,
  );

  return {
    /** @param {LiveRun | null} shown @param {string} view */
    show(shown, view) {
      run = shown;
      element.classList.toggle("without-run", shown === null);
      if (shown === null) return;
      report.setAttribute("href", reportAddress(shown.id));
      fill(
        tabs,
        ...views.map(({ name, title }) =>
          h("a", {
            href: `#/run/${encodeURIComponent(shown.id)}/${name}`,
            "aria-current": name === view ? "page" : null,
          }, title)
        ),
      );
      tabs.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
      this.update();
    },
    update() {
      if (run === null) return;
      const { state, alive, name: folderName } = run.description;
      const how = statusOf(state, alive);
      setText(name, state.run || folderName);
      status.className = `status ${how.kind}`;
      status.title = how.text;
      setText(status, how.word);
      const remaining = how.kind === "running" ? remainingSeconds(state) : null;
      setText(
        summary,
        `step ${count(state.step)} of ${count(state.totalSteps)}` +
          (remaining === null ? "" : ` · ${duration(remaining)} left`),
      );
      lost.hidden = run.connection !== "lost";
      const part = state.totalSteps === 0 ? 0 : state.step / state.totalSteps;
      progress.firstElementChild.style.width = `${(part * 100).toFixed(2)}%`;
      progress.setAttribute("aria-valuemax", String(state.totalSteps));
      progress.setAttribute("aria-valuenow", String(state.step));
      progress.classList.toggle("live", how.kind === "running");
      for (const each of steering.querySelectorAll("button")) {
        each.disabled = how.kind !== "running";
      }
      document.title = how.kind === "running"
        ? `${Math.floor(part * 100)} % ${state.trigger} · gnomic`
        : `${state.trigger || folderName} · gnomic`;
    },
  };
}
