// One run as the server knows it: its events.jsonl folded into a state and curves, brought up to date
// on request. The trap: two requests at once must not read the file twice, so they share one reading.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Curves, emptyCurves, extendCurves } from "./curves.js";
import { type EventSink, tailEvents } from "./event-tail.ts";
import { emptyRunState, foldEvent } from "./run-state.js";

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

export function newRunReader(dir: string): RunReader {
  const tail = tailEvents(join(dir, "events.jsonl"));
  let state = emptyRunState();
  let curves = emptyCurves();
  let reading: Promise<RunReading> | undefined;

  const sink: EventSink = {
    reset: () => [state, curves] = [emptyRunState(), emptyCurves()],
    event: (event) => {
      foldEvent(state, event);
      extendCurves(curves, event);
    },
  };

  const readNew = async (): Promise<RunReading> => {
    const { offset, skipped, unfinished } = await tail.read(sink);
    const cutShort = unfinished > 0 && state.outcome !== null ? 1 : 0;
    return { state, curves, offset, unreadable: skipped + cutShort };
  };

  const read = () => reading ??= readNew().finally(() => reading = undefined);
  return { dir, read };
}

/** The resolved configuration in a run's `run.json`; nothing while there is none to be read. */
export async function readConfiguration(dir: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(dir, "run.json"), "utf8"))?.configuration;
  } catch {
    return undefined;
  }
}
