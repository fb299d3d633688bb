// Follows a run's events.jsonl while another process appends to it. Each read gives the events that
// are new, with the byte offset behind each, which serves as its identity for resuming a stream.
// The trap: a resumed run may cut the file's tail and write on; a change of what was already read
// is noticed by its last bytes: the sink is told to forget, and gets everything from the start.
import type { Hash } from "node:crypto";
import type { RunEvent } from "../../inversion/events.ts";
import { type OpenFile, withFile } from "../../lib/plain-files.ts";
import { newSha256 } from "../../lib/sha256.ts";
import { quickEvent } from "./quick-event.ts";

/** Gets what is read, as it is read: a long file is never held as a whole. */
export interface EventSink {
  /** The file is not the one read so far: forget what came before. */
  reset(): void;
  /** `end` is the byte offset behind its line. */
  event(event: RunEvent, end: number): void;
}

export interface TailPosition {
  /** Complete lines so far that are no event. */
  readonly skipped: number;
  /** Bytes of a last line without an end: half-written, or being written. */
  readonly unfinished: number;
  /** Bytes consumed. */
  readonly offset: number;
  /** SHA-256 of the bytes consumed; undefined where the reading began in the middle. */
  readonly digest: () => string | undefined;
}

export interface EventTail {
  /** Gives what is new. Reads must not overlap. */
  read(sink: EventSink): Promise<TailPosition>;
}

const chunkBytes = 1 << 18;
const markBytes = 64;
const lineEnd = 10;

const text = new TextDecoder();

interface Start {
  readonly offset: number;
  readonly skipped: number;
  /** The last bytes before the offset. */
  readonly mark: Buffer<ArrayBuffer>;
  /** Of all bytes before it. */
  readonly hash: Hash | undefined;
}

const beginning = (): Start => ({
  offset: 0,
  skipped: 0,
  mark: Buffer.alloc(0),
  hash: newSha256(),
});

/** Starts at byte `start`, a line's begin, of a file that need not exist. */
export const tailEvents = (file: string, start = 0): EventTail =>
  tail(file, start === 0 ? beginning() : { ...beginning(), offset: start, hash: undefined });

/** Goes on behind bytes that were consumed before; undefined where they are not what they were. */
export async function resumeTail(
  file: string,
  { offset, skipped, digest }: {
    readonly offset: number;
    readonly skipped: number;
    readonly digest: string;
  },
): Promise<EventTail | undefined> {
  if (offset === 0) return undefined;
  const hash = newSha256();
  let mark = Buffer.alloc(0);
  try {
    await withFile(file, async ({ read }) => {
      for (let at = 0; at < offset;) {
        const chunk = await read(at, Math.min(1 << 20, offset - at));
        if (chunk.length === 0) break;
        at += chunk.length;
        hash.update(chunk);
        mark = Buffer.concat([mark, chunk.subarray(-markBytes)]).subarray(-markBytes);
      }
    });
  } catch {
    return undefined;
  }
  return hash.copy().digest("hex") === digest
    ? tail(file, { offset, skipped, mark, hash })
    : undefined;
}

function tail(file: string, start: Start): EventTail {
  let { offset, skipped, mark, hash } = start;

  const startOver = (sink: EventSink) => {
    ({ offset, skipped, mark, hash } = beginning());
    sink.reset();
  };

  const digest = () => hash?.copy().digest("hex");

  const readNew = async (sink: EventSink, { size, read }: OpenFile): Promise<TailPosition> => {
    const seen = await read(offset - mark.length, mark.length);
    if (size < offset || !seen.equals(mark)) startOver(sink);

    let rest = Buffer.alloc(0);
    for (let at = offset; at < size;) {
      const chunk = await read(at, Math.min(chunkBytes, size - at));
      if (chunk.length === 0) break;
      at += chunk.length;
      rest = Buffer.concat([rest, chunk]);
      let line = 0;
      for (let end; (end = rest.indexOf(lineEnd, line)) >= 0; line = end + 1) {
        offset += end + 1 - line;
        const event = quickEvent(text.decode(rest.subarray(line, end)));
        if (event === undefined) skipped += 1;
        else sink.event(event, offset);
      }
      if (line > 0) mark = Buffer.from(rest.subarray(Math.max(0, line - markBytes), line));
      hash?.update(rest.subarray(0, line));
      rest = rest.subarray(line);
    }
    return { offset, skipped, unfinished: rest.length, digest };
  };

  const read = (sink: EventSink): Promise<TailPosition> =>
    withFile(file, (open) => readNew(sink, open)).catch((error) => {
      if (error.code !== "ENOENT") throw error;
      if (offset > 0) startOver(sink);
      return { offset, skipped, unfinished: 0, digest };
    });

  return { read };
}

/** All events of a file that is there now. */
export async function allEvents(file: string): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  await tailEvents(file).read({ reset: () => undefined, event: (event) => events.push(event) });
  return events;
}
