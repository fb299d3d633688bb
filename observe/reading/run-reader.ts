// One run as its readers know it: its events.jsonl folded into a state and curves, brought up to date on
// request, from where the index beside a long log ends. The trap: two requests at once must not read the file twice, so they share one reading.
import { readUtf8 } from "../../lib/plain-files.ts";
import { type Curves, emptyCurves, extendCurves } from "./curves.js";
import { type EventSink, type EventTail, resumeTail, tailEvents } from "./event-tail.ts";
import { readIndex, writeIndex } from "./run-index.ts";
import { foldEvent } from "./fold-event.js";
import { emptyRunState } from "./run-state.js";
import { eventsFile, manifestFile } from "../../runtime/run-folder/run-files.ts";

export type RunState = ReturnType<typeof emptyRunState>;

/** The run up to byte `offset` of its events. */
export interface RunReading {
  readonly state: RunState;
  readonly curves: Curves;
  readonly offset: number;
  /** Lines that are no events, and a last line that was never finished. */
  readonly unreadable: number;
}

export interface RunReader {
  readonly dir: string;
  /** Reads what is new. */
  read(): Promise<RunReading>;
}

/** Shorter logs are read as fast as an index of them; one that has grown by less keeps the one it has. */
const worthIndexing = (grown: number, whole: number) => grown >= Math.max(1 << 20, whole / 8);

export function newRunReader(dir: string): RunReader {
  const file = eventsFile(dir);
  let tail: EventTail | undefined;
  let state = emptyRunState();
  let curves = emptyCurves();
  let indexed = 0;
  let reading: Promise<RunReading> | undefined;

  const sink: EventSink = {
    reset: () => [state, curves, indexed] = [emptyRunState(), emptyCurves(), 0],
    event: (event) => {
      foldEvent(state, event);
      extendCurves(curves, event);
    },
  };

  const begin = async (): Promise<EventTail> => {
    const index = await readIndex(dir);
    const resumed = index && await resumeTail(file, index);
    if (index === undefined || resumed === undefined) return tailEvents(file);
    [state, curves, indexed] = [index.state, index.curves, index.offset];
    return resumed;
  };

  const readNew = async (): Promise<RunReading> => {
    tail ??= await begin();
    const { offset, skipped, unfinished, digest } = await tail.read(sink);
    if (worthIndexing(offset - indexed, offset)) {
      indexed = offset;
      const index = { offset, skipped, digest: digest()!, state, curves };
      await writeIndex(dir, index).catch(() => undefined);
    }
    const cutShort = unfinished > 0 && state.outcome !== null ? 1 : 0;
    return { state, curves, offset, unreadable: skipped + cutShort };
  };

  const read = () => reading ??= readNew().finally(() => reading = undefined);
  return { dir, read };
}

/** A run's `run.json`, whatever is in it; undefined while there is none to be read. */
export async function readRunFile(dir: string): Promise<any> {
  try {
    return JSON.parse(await readUtf8(manifestFile(dir)));
  } catch {
    return undefined;
  }
}
