// The list of runs, made without reading whole event files: the first and the last events of each
// tell its name, its step, its losses and how it ended. The trap: what happened in between is
// missing from these states, so they are for the list alone.
import { join } from "node:path";
import type { MeasuredOn } from "../../inversion/measured-on.ts";
import { settledStamp } from "../../lib/file-stamp.ts";
import { withFile } from "../../lib/plain-files.ts";
import { isAlive } from "./run-alive.ts";
import { quickEvent } from "./quick-event.ts";
import type { RunFolder } from "./run-folders.ts";
import { measuredIn } from "./measured-in.ts";
import type { RunState } from "./run-reader.ts";
import { pictureSteps } from "./run-answers.js";
import { foldEvent } from "./fold-event.js";
import { emptyRunState } from "./run-state.js";
import { eventsFile, eventsName, manifestName } from "../../runtime/run-folder/run-files.ts";

const headBytes = 1 << 16;
const tailBytes = 1 << 17;

export interface ListedRun {
  readonly id: string;
  readonly state: Pick<
    RunState,
    | "run"
    | "trigger"
    | "step"
    | "totalSteps"
    | "loss"
    | "fixedLoss"
    | "startedAt"
    | "updatedAt"
    | "outcome"
    | "metrics"
  >;
  readonly alive: boolean;
  /** What its fixed losses were measured on; null where it is not known. */
  readonly measuredOn: MeasuredOn | null;
  /** The id of a recent validation picture. */
  readonly picture: string | null;
}

const wholeLines = (bytes: Uint8Array, fromStart: boolean) =>
  new TextDecoder().decode(bytes).split("\n").slice(fromStart ? 0 : 1, -1);

const ends = (file: string): Promise<{ head: Uint8Array; tail: Uint8Array; size: number }> =>
  withFile(file, async ({ size, read }) => {
    const part = (from: number, to: number) => read(from, Math.max(0, to - from));
    const head = await part(0, Math.min(size, headBytes));
    return { head, tail: await part(Math.max(headBytes, size - tailBytes), size), size };
  });

function latestPicture(state: RunState): string | null {
  const step = pictureSteps(state).at(-1);
  if (step === undefined) return null;
  const [key] = Object.keys(state.validations[step].pictures).sort();
  return `${step}-${key}`;
}

/** Events of which there are many, as the log writes them; the last ones say all that the list shows. */
const frequent = ["step", "rows", "stage-progress"].map((event) => `{"event":"${event}"`);
/** As many as the pace is the mean of. */
const keptOfEach = 50;

function foldLines(state: RunState, lines: readonly string[]): void {
  const kindOf = (line: string) => frequent.findIndex((start) => line.startsWith(start));
  const left = frequent.map(() => 0);
  const kinds = lines.map(kindOf);
  for (const kind of kinds) if (kind >= 0) left[kind]++;
  for (const [i, line] of lines.entries()) {
    if (kinds[i] >= 0 && left[kinds[i]]-- > keptOfEach) continue;
    const event = quickEvent(line);
    if (event !== undefined) foldEvent(state, event);
  }
}

/** What the list shows of a run; nothing when its events cannot be read. */
export async function listRun({ id, dir }: RunFolder): Promise<ListedRun | undefined> {
  const read = await ends(eventsFile(dir)).catch(() => undefined);
  if (read === undefined) return undefined;
  const state = emptyRunState();
  const adjoining = read.size <= headBytes + tailBytes;
  const bytes = adjoining ? [Buffer.concat([read.head, read.tail])] : [read.head, read.tail];
  for (const [i, part] of bytes.entries()) {
    foldLines(state, wholeLines(part, i === 0));
  }
  const { run, trigger, step, totalSteps, loss, fixedLoss } = state;
  const { startedAt, updatedAt, outcome, metrics: { seconds } } = state;
  return {
    id,
    state: {
      run,
      trigger,
      step,
      totalSteps,
      loss,
      fixedLoss,
      startedAt,
      updatedAt,
      outcome,
      metrics: seconds === undefined ? {} : { seconds },
    },
    alive: await isAlive(dir),
    measuredOn: await measuredIn(dir),
    picture: latestPicture(state),
  };
}

/** Lists runs again and again; one that has not changed is not read anew. */
export function newRunList(): (run: RunFolder) => Promise<ListedRun | undefined> {
  const known = new Map<string, { readonly stamp: string; readonly run: ListedRun }>();
  return async (folder) => {
    const { dir } = folder;
    const named = [eventsName, manifestName].map((name) => settledStamp(join(dir, name)));
    const stamps = await Promise.all(named);
    const stamp = stamps.includes(undefined) ? undefined : stamps.join();
    const before = known.get(dir);
    if (before !== undefined && before.stamp === stamp) {
      return { ...before.run, id: folder.id, alive: await isAlive(dir) };
    }
    const run = await listRun(folder);
    if (run !== undefined && stamp !== undefined) known.set(dir, { stamp, run });
    return run;
  };
}
