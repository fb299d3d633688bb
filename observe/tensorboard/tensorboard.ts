// Keeps a run's `tensorboard/` folder in step with its events: a derived copy that may be deleted at
// any time. Opening brings it up to date with events.jsonl, which is the truth: a broken tail is cut,
// what is missing is appended in a new file, and what cannot be appended is written anew as a whole.
// The trap: nothing here may end the training, so failures go to `warn`, once, and writing stops.
import { join } from "node:path";
import type { RunEvent } from "../../inversion/events.ts";
import { readBytes } from "../../lib/plain-files.ts";
import type { RunObserver } from "../../runtime/execute/observers.ts";
import { insideRun } from "../reading/inside-run.ts";
import { allEvents } from "../reading/event-tail.ts";
import {
  createEventFile,
  type EventFile,
  eventFileNames,
  nextFileName,
  recoverEvents,
  removeEventFiles,
} from "./event-file.ts";
import type { EventMessage } from "./event-proto.ts";
import { canAppend, lastStep, shownSteps, wantedSteps } from "./shown-steps.ts";
import { type ReadPicture, summaryMessage } from "./summary-message.ts";
import { configurationSummary, summariser, type Summary } from "./summary.ts";
import { eventsFile } from "../../runtime/run-folder/run-files.ts";

export interface TensorBoardOptions {
  /** The run's folder, with its events.jsonl. */
  readonly runDir: string;
  /** The configuration, shown as text at step 0; of places the last part, since event files are sent around. */
  readonly configuration: unknown;
  /** Told once when the event files cannot be written any more. */
  readonly warn: (text: string) => void;
}

const pictureReader = (runDir: string): ReadPicture => async ({ path }) => {
  const file = await insideRun(runDir, path);
  return file === undefined ? undefined : await readBytes(file).catch(() => undefined);
};

/**
 * Opens the event files of a run for writing, first completing them from its events.jsonl. Give it
 * every event after the event was appended there. Only one process may have a run open.
 */
export async function openTensorBoard(options: TensorBoardOptions): Promise<RunObserver> {
  const folder = join(options.runDir, "tensorboard");
  const read = pictureReader(options.runDir);
  let summarise = summariser();
  let last = new Map<string, number>();
  let file: EventFile | undefined;
  let createFile: () => EventFile;

  const write = async (summary: Summary) => {
    const values = summary.values.filter(({ tag }) => summary.step > (last.get(tag) ?? -1));
    const message = await summaryMessage({ ...summary, values }, read);
    if (message !== undefined) (file ??= createFile()).append(message);
    for (const { tag } of values) last.set(tag, summary.step);
  };

  const close = () => {
    file?.close();
    file = undefined;
  };

  const catchUp = async () => {
    close();
    const names = await eventFileNames(folder);
    const held: Iterable<EventMessage>[] = [];
    for (const name of names) held.push(await recoverEvents(join(folder, name)));

    summarise = summariser();
    const events = await allEvents(eventsFile(options.runDir));
    const first = configurationSummary(options.configuration, events[0]?.at ?? Date.now());
    const summaries = [first, ...events.map(summarise)]
      .filter((summary) => summary !== undefined).sort((a, b) => a.step - b.step);

    const shown = shownSteps(held.values().flatMap((events) => events));
    const appends = canAppend(shown, wantedSteps(summaries));
    last = new Map(appends ? [...shown].map(([tag, steps]) => [tag, steps.at(-1) ?? -1]) : []);
    createFile = () => {
      // START makes readers drop steps from its own on: none when appending, all when rewriting.
      const startStep = appends ? lastStep(shown) + 1 : 0;
      const now = Date.now() / 1000;
      return createEventFile(join(folder, nextFileName(names, now)), startStep, now);
    };
    for (const summary of summaries) await write(summary);
    if (!appends) await removeEventFiles(folder, names);
  };

  const take = async (event: RunEvent) => {
    const summary = summarise(event);
    if (summary === undefined) return;
    const late = summary.values.some(({ tag }) => summary.step < (last.get(tag) ?? -1));
    await (late ? catchUp() : write(summary));
  };

  let failed = false;
  const guarded = async (work: () => Promise<void>) => {
    if (failed) return;
    try {
      await work();
    } catch (error) {
      failed = true;
      close();
      options.warn(
        `The TensorBoard files are not written any further (${
          (error as Error).message
        }). They are completed from events.jsonl when the run is opened again.`,
      );
    }
  };

  let queue = guarded(catchUp);
  const enqueue = (work: () => Promise<void>) => queue = queue.then(() => guarded(work));
  await queue;
  return {
    name: "the writer of TensorBoard files",
    onEvent: (event) => enqueue(() => take(event as RunEvent)),
    close: () => enqueue(() => Promise.resolve(close())),
  };
}
