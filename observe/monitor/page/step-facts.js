/// <reference lib="dom" />
// @ts-check
// What is known of one step, and what can be done with its checkpoint: copy its path, mark it as chosen.
// The trap: without leave to use the clipboard the path is shown in place of being copied.
import { metricOf } from "../../../inversion/metrics.js";
import { curveOf } from "../../reading/curves.js";
import { checkpointAt } from "../../reading/run-answers.js";
import { fill, h, icon } from "./dom.js";
import { count, loss } from "./format.js";
import { request } from "./steering.js";
import { toast } from "./toast.js";

/** @param {import("./view.js").Shown} shown @param {(step: number) => void} goNear */
export function createStepFacts({ run, curves }, goNear) {
  let step = 0;
  const facts = h("p", { class: "facts" });
  const copy = h("button", { class: "action", title: "Copy the checkpoint's path (c)" });
  const choose = h("button", { class: "action", title: "Mark the checkpoint as chosen (m)" });
  const best = h("button", { class: "action", title: "The step with the best fixed loss (b)" });

  const checkpoint = () => checkpointAt(run.description.state, step);

  const copyPath = async () => {
    const found = checkpoint();
    if (found === undefined) return;
    const path = `${run.description.folder}/${found.path}`;
    try {
      await navigator.clipboard.writeText(path);
      toast(`The path of step ${count(found.step)} is copied.`, "good");
    } catch {
      toast(path);
    }
  };

  const markChosen = () => {
    if (checkpoint() === undefined) return;
    request(run, { request: "choose", step }, `Step ${count(step)} is marked as chosen.`);
  };

  const goToBest = () => {
    const { fixedLoss } = run.description.state;
    if (fixedLoss !== null) goNear(fixedLoss.bestStep);
  };

  const fixedLossHere = () => {
    const fixed = curves.data && curveOf(curves.data, metricOf("fixedLoss"));
    return fixed?.last[fixed.step.indexOf(step)];
  };

  const showFacts = () => {
    const { validations, chosen, fixedLoss } = run.description.state;
    const validation = validations[step];
    const here = fixedLossHere();
    fill(
      facts,
      h("b", {}, `Step ${count(step)}`),
      h("span", {}, `epoch ${count(validation?.epoch ?? 0)}`),
      here === undefined ? null : h("span", {}, `fixed loss ${loss(here)}`),
      fixedLoss?.bestStep === step ? h("span", { class: "tag good" }, "best fixed loss") : null,
      chosen?.step === step ? h("span", { class: "tag chosen" }, icon("star"), "chosen") : null,
      step === 0 ? h("span", { class: "tag" }, "before training") : null,
      validation?.state === "failed"
        ? h("span", { class: "tag bad" }, `validation failed: ${validation.error}`)
        : null,
      validation?.state === "running" ? h("span", { class: "tag" }, "being drawn …") : null,
    );
  };

  const showActions = () => {
    const { chosen, fixedLoss } = run.description.state;
    const found = checkpoint();
    copy.disabled = choose.disabled = found === undefined;
    fill(copy, icon("copy"), h("span", {}, found ? "Copy path" : "No checkpoint here"));
    fill(choose, icon("star"), h("span", {}, chosen?.step === step ? "Chosen" : "Mark as chosen"));
    choose.hidden = found === undefined;
    best.disabled = fixedLoss === null;
    fill(
      best,
      h("span", {}, fixedLoss === null ? "Best" : `Best: step ${count(fixedLoss.bestStep)}`),
    );
  };

  copy.addEventListener("click", copyPath);
  choose.addEventListener("click", markChosen);
  best.addEventListener("click", goToBest);

  return {
    element: h("div", { class: "about" }, facts, h("span", { class: "acts" }, best, copy, choose)),
    copyPath,
    markChosen,
    goToBest,
    /** @param {number} at */
    update(at) {
      step = at;
      showFacts();
      showActions();
    },
  };
}
