// A training that is killed (SIGKILL) again and again and each time started anew, to be compared with one
// that was left alone: the same bytes in every embedding and picture, each step said once.
// The trap: a process that ended by itself before its moment was not killed; only true kills count.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomInt } from "../../engine/random/draw.ts";
import { storeName } from "../../runtime/store/artefact-store.ts";
import type { Child } from "../../runtime/testing/child.ts";
import { eventsOf, findRun, gnomic, resultsOf, start, trainingIn } from "../end-to-end/project.ts";

/** When a process is killed, counted from its start; the milliseconds come after that. */
export type Moment =
  | { readonly at: "time"; readonly milliseconds: number }
  | { readonly at: "step"; readonly times: number; readonly milliseconds: number }
  | { readonly at: "validation"; readonly times: 1; readonly milliseconds: number }
  | { readonly at: "save"; readonly times: number };

/** Random moments, each kind as often, the same for the same seed. */
export const moments = (count: number, seed: number): readonly Moment[] =>
  Array.from({ length: count }, (_, item): Moment => {
    const below = (what: string, limit: number) =>
      randomInt({ seed, purpose: what, step: 0, item }, limit);
    const milliseconds = below("milliseconds", 200);
    const kinds: readonly Moment[] = [
      { at: "step", times: 1 + below("steps", 3), milliseconds },
      { at: "save", times: 1 + below("saves", 3) },
      { at: "validation", times: 1, milliseconds },
      { at: "time", milliseconds: below("time", 3000) },
    ];
    return kinds[item % kinds.length];
  });

/** Resolves when the process has said so many events of a kind. */
const said = (child: Child, event: string, times: number): Promise<void> =>
  new Promise((resolve) => {
    let text = "";
    child.process.stdout!.on("data", (more: string) => {
      text += more;
      if (text.split(`"event":"${event}"`).length > times) resolve();
    });
  });

/** Resolves while the training's state is being written for the n-th time. */
async function saving(child: Child, folder: string, times: number): Promise<void> {
  const gone = () => child.process.exitCode !== null || child.process.signalCode !== null;
  while (findRun(folder) === null && !gone()) await sleep(20);
  const run = findRun(folder);
  if (run === null) return;
  await new Promise<void>((resolve) => {
    let changes = 0; // the temporary file comes, and goes when it is renamed
    const watcher = watch(run, (event, name) => {
      if (event === "rename" && name === "state.safetensors.tmp") changes++;
      if (changes >= 2 * times - 1) resolve();
    });
    child.process.on("exit", () => resolve());
    void child.ended.then(() => watcher.close());
  });
}

async function reached(child: Child, moment: Moment, folder: string): Promise<void> {
  if (moment.at === "save") return await saving(child, folder, moment.times);
  if (moment.at === "step") await said(child, "step", moment.times);
  if (moment.at === "validation") await said(child, "validation-started", moment.times);
  await sleep(moment.milliseconds);
}

/** Starts the command and kills it at its moment; false: it had ended. */
async function killAt(
  child: Child,
  moment: Moment,
  folder: string,
): Promise<boolean> {
  await Promise.race([reached(child, moment, folder), child.ended]);
  const killed = child.process.kill("SIGKILL");
  const { code, stdout, stderr } = await child.ended;
  assert.ok(killed || code === 0, stdout + stderr);
  return killed && code !== 0;
}

/** Finished steps by the state's own header; 0 without a state. */
function savedStep(run: string): number {
  const file = join(run, "state.safetensors");
  if (!existsSync(file)) return 0;
  const bytes = readFileSync(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  return Number(JSON.parse(bytes.toString("utf8", 8, end)).__metadata__.step);
}

const stepsIn = (events: ReturnType<typeof eventsOf>) =>
  events.flatMap((event) => event.event === "step" ? [event.step] : []);

/** What a run has come to, as it says: steps, losses, rows, checkpoints, ended validations. */
export const comeTo = (events: ReturnType<typeof eventsOf>) =>
  events.flatMap((event) =>
    /^(step|fixed-loss|rows|checkpoint.*|validation-(finished|failed))$/.test(event.event)
      ? [`${event.event} ${"step" in event ? event.step : ""} ${"path" in event ? event.path : ""}`]
      : []
  ).sort();

export interface Ordeal {
  readonly folder: string;
  readonly steps: number;
  /** The last step, where it ends earlier. */
  readonly ends?: number;
  readonly over?: object;
  readonly kills: readonly Moment[];
  /** What happens to its folder after each kill. */
  readonly afterKill?: (folder: string) => void;
}

/** The store is anybody's to delete, at any time. */
export const deleteStore = (folder: string): void =>
  rmSync(join(folder, "output", storeName), { recursive: true, force: true });

/** Trains under kills, goes on to the end and asserts that no step went back; how many kills came in time. */
async function harry(
  { kills, afterKill }: Ordeal,
  place: string,
  command: readonly string[],
): Promise<number> {
  let [kept, begun, killed] = [0, 0, 0];
  for (const moment of kills) {
    if (!await killAt(start(command), moment, place)) continue;
    killed++;
    afterKill?.(place);
    const run = findRun(place);
    if (run === null) continue;
    const saved = savedStep(run);
    const events = eventsOf(run);
    assert.ok(saved >= kept, `went back from step ${kept} to ${saved}`);
    assert.ok(Math.max(0, ...stepsIn(events)) <= saved, "a step was said before it was kept");
    const begins = events.flatMap((event) => event.event === "run-started" ? [event.step] : []);
    for (const step of begins.slice(begun)) assert.ok(step >= kept, `went back to step ${step}`);
    begun = begins.length;
    kept = saved;
  }
  const last = await gnomic(command);
  assert.equal(last.code, 0, last.stdout + last.stderr);
  return killed;
}

/** Trains undisturbed and under kills; asserts that nobody can tell which is which. */
export async function survivesKills(ordeal: Ordeal): Promise<void> {
  const { folder, steps, ends = steps, over, kills } = ordeal;
  const commandIn = (place: string) => {
    mkdirSync(place);
    return [...trainingIn(place, { max_train_steps: steps, ...over }), "--json"];
  };

  const calm = join(folder, "calm");
  const undisturbed = await gnomic(commandIn(calm));
  assert.equal(undisturbed.code, 0, undisturbed.stdout + undisturbed.stderr);
  const expected = resultsOf(findRun(calm)!);
  const expectedEvents = comeTo(eventsOf(findRun(calm)!));

  // Where most kills came too late, the machine was busy elsewhere; then another training is harried.
  for (let tries = 0; tries < 5; tries++) {
    const place = join(folder, `harried-${tries}`);
    const killed = await harry(ordeal, place, commandIn(place));
    const run = findRun(place)!;
    assert.deepEqual(resultsOf(run), expected);
    assert.deepEqual(comeTo(eventsOf(run)), expectedEvents);
    assert.deepEqual(stepsIn(eventsOf(run)), Array.from({ length: ends }, (_, i) => i + 1));
    if (killed > kills.length / 2) return;
  }
  assert.fail(`five times at most half of ${kills.length} kills came in time`);
}
