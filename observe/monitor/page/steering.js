/// <reference lib="dom" />
// @ts-check
// What can be asked of a training, and the dialogs in front of it. A prompt that is typed here is sent
// as data and comes back in events as text.
import { h } from "./dom.js";
import { steer } from "./server.js";
import { toast } from "./toast.js";

/** @typedef {import("./live-run.js").LiveRun} LiveRun */
/** @typedef {import("../../../inversion/events.ts").RunEvent} RunEvent */

/** What was asked and has not been answered by an event yet. @type {Set<string>} */
const awaited = new Set();

/** Says what the training did, where somebody asked for it or has to know. @param {RunEvent} event */
export function announce(event) {
  if (event.event === "checkpoint" && awaited.delete("save")) {
    toast(`Checkpoint of step ${event.step} is saved.`, "good");
  } else if (event.event === "validation-finished" && awaited.delete("validate")) {
    toast(`The pictures of step ${event.step} are there.`, "good");
  } else if (event.event === "validation-failed") {
    toast(`Validation failed: ${event.error}`, "bad");
  } else if (event.event === "stage-retried") {
    toast(`${event.stage} is tried again: ${event.error}`, "bad");
  } else if (event.event === "warning") toast(event.text, "bad");
  else if (event.event === "run-finished") toast("The training has finished.", "good");
  else if (event.event === "run-stopped") toast("The training has stopped.");
  else if (event.event === "run-paused") toast(`The training paused after step ${event.step}.`);
}

/**
 * @param {LiveRun} run
 * @param {import("../../../inversion/requests.ts").ControlRequest} asked
 * @param {string} said
 */
export async function request(run, asked, said) {
  try {
    awaited.add(asked.request);
    await steer(run.id, asked);
    toast(said, "good");
  } catch (error) {
    awaited.delete(asked.request);
    toast(`That was not possible: ${/** @type {Error} */ (error).message}`, "bad");
  }
}

/**
 * A dialog with a heading, content and buttons; resolves to the value of the button, or "".
 * @param {string} heading
 * @param {Node[]} content
 * @param {{label: string, value: string, class?: string}[]} buttons
 * @returns {Promise<string>}
 */
export function ask(heading, content, buttons) {
  const dialog = h(
    "dialog",
    { class: "ask", "aria-label": heading },
    h(
      "form",
      { method: "dialog" },
      h("h2", {}, heading),
      ...content,
      h(
        "div",
        { class: "choices" },
        ...buttons.map(({ label, value, class: kind = "" }) =>
          h("button", { value, class: `action ${kind}` }, label)
        ),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue);
    })
  );
}

/** @param {LiveRun} run */
export async function askStop(run) {
  const text =
    "The step that runs now is finished and everything is kept. The same command goes on " +
    "from there, to the same bytes as if it had never stopped.";
  const answer = await ask("Stop after this step?", [h("p", {}, text)], [
    { label: "Go on training", value: "" },
    { label: "Stop", value: "stop", class: "strong" },
  ]);
  if (answer === "stop") {
    await request(run, { request: "stop" }, "Asked. The training stops after this step.");
  }
}

/** @param {LiveRun} run @returns {readonly string[]} */
const configuredPrompts = ({ description: { configuration, state } }) =>
  /** @type {readonly string[] | undefined} */
  (configuration.find(({ key }) => key === "validation_prompts")?.value) ?? state.prompts;

/** @param {LiveRun} run */
export async function askValidate(run) {
  const prompts = configuredPrompts(run);
  const field = (/** @type {string} */ text) =>
    h("textarea", { rows: 2, value: text, maxLength: 2000, "aria-label": "prompt" });
  const { trigger } = run.description.state;
  const fields = h("div", { class: "prompts" }, ...prompts.map(field));
  if (prompts.length === 0) fields.append(field(`a photo of ${trigger}`));
  const more = h("button", {
    type: "button",
    class: "action",
    on: { click: () => fields.append(field(`a photo of ${trigger} `)) },
  }, "Another prompt");
  const note = h(
    "p",
    { class: "muted" },
    "For this once; the configured prompts stay as they are.",
  );
  const answer = await ask("Draw pictures after this step", [note, fields, more], [
    { label: "Cancel", value: "" },
    { label: "Draw", value: "draw", class: "strong" },
  ]);
  if (answer !== "draw") return;
  const wanted = [...fields.querySelectorAll("textarea")].map(({ value }) => value.trim())
    .filter((text) => text !== "");
  const asConfigured = wanted.length === prompts.length &&
    wanted.every((text, i) => text === prompts[i]);
  await request(
    run,
    asConfigured ? { request: "validate" } : { request: "validate", prompts: wanted },
    "Asked. The pictures are drawn after this step.",
  );
}
