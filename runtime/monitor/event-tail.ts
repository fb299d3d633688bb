// Follows a run's events.jsonl while another process appends to it. Each read gives the events that
// are new, with the byte offset behind each, which serves as its identity for resuming a stream.
// The trap: a resumed run may cut the file's tail and write on; a change of what was already read
// is noticed by its last bytes and answered with `reset`, everything from the start.
import { open } from "node:fs/promises";
import { parseEvent } from "../event-log.ts";
import type { RunEvent } from "../events.ts";

export interface TailedEvent {
  readonly event: RunEvent;
  /** Byte offset of the end of its line. */
  readonly end: number;
}

export interface TailRead {
  /** True when the file is not the one read so far: forget what earlier reads gave. */
  readonly reset: boolean;
  readonly events: readonly TailedEvent[];
  /** Complete lines so far that are no event. */
  readonly skipped: number;
  /** Bytes of a last line without an end: half-written, or being written. */
  readonly unfinished: number;
  /** Bytes consumed. */
  readonly offset: number;
}

export interface EventTail {
  read(): Promise<TailRead>;
}

const chunkBytes = 1 << 18;
const markBytes = 64;
const lineEnd = 10;

const text = new TextDecoder();

/** Starts at byte `start`, a line's begin, of a file that need not exist. Reads must not overlap. */
export function tailEvents(file: string, start = 0): EventTail {
  let offset = start;
  let skipped = 0;
  let mark = Buffer.alloc(0);

  const read = async (): Promise<TailRead> => {
    const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    const empty = { reset: false, events: [], skipped, unfinished: 0, offset };
    if (handle === undefined) {
      if (offset === 0) return empty;
      [offset, skipped, mark] = [0, 0, Buffer.alloc(0)];
      return { ...empty, reset: true, skipped, offset };
    }
    try {
      const { size } = await handle.stat();
      const seen = Buffer.alloc(mark.length);
      await handle.read(seen, 0, mark.length, offset - mark.length);
      const reset = size < offset || !seen.equals(mark);
      if (reset) [offset, skipped, mark] = [0, 0, Buffer.alloc(0)];

      const events: TailedEvent[] = [];
      let rest = Buffer.alloc(0);
      for (let at = offset; at < size;) {
        const chunk = Buffer.alloc(Math.min(chunkBytes, size - at));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        let line = 0;
        for (let end; (end = rest.indexOf(lineEnd, line)) >= 0; line = end + 1) {
          offset += end + 1 - line;
          const event = parseEvent(text.decode(rest.subarray(line, end)));
          if (event === undefined) skipped += 1;
          else events.push({ event, end: offset });
        }
        if (line > 0) mark = Buffer.from(rest.subarray(Math.max(0, line - markBytes), line));
        rest = rest.subarray(line);
      }
      return { reset, events, skipped, unfinished: rest.length, offset };
    } finally {
      await handle.close();
    }
  };

  return { read };
}

/** All events of a file that is there now. */
export const readEvents = async (file: string): Promise<readonly RunEvent[]> =>
  (await tailEvents(file).read()).events.map(({ event }) => event);
