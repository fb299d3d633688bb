// A run's new events as server-sent events. The id of each is the byte offset behind its line, so a
// browser that reconnects names the last one it has and misses nothing. In between it says whether the
// training's process lives.
// The trap: an offset from before the file was cut or replaced is worthless; the page is then told to
// start over ("reset").
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { withFile } from "../../../lib/plain-files.ts";
import { type EventSink, tailEvents } from "../../reading/event-tail.ts";
import { isAlive } from "../../reading/run-alive.ts";
import { eventsFile } from "../../../runtime/run-folder/run-files.ts";

const pollMilliseconds = 400;
const pulseMilliseconds = 4000;

/** True when a line of `file` ends right before `offset`. */
async function isLineEnd(file: string, offset: number): Promise<boolean> {
  if (offset === 0) return true;
  return await withFile(file, async ({ read }) => (await read(offset - 1, 1))[0] === 10)
    .catch(() => false);
}

/** Writes events from `offset` on to `response` until the connection closes. */
export async function streamEvents(
  runDir: string,
  offset: number,
  response: ServerResponse,
): Promise<void> {
  const file = eventsFile(runDir);
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  const send = async (text: string) => {
    if (!response.write(text)) await once(response, "drain", { signal: closed.signal });
  };
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  try {
    if (!await isLineEnd(file, offset)) return void await send("event: reset\ndata: {}\n\n");
    await send(": open\n\n");
    const tail = tailEvents(file, offset);
    let fresh: string[] = [];
    let replaced = false;
    const sink: EventSink = {
      reset: () => replaced = true,
      event: (event, end) => fresh.push(`id: ${end}\ndata: ${JSON.stringify(event)}\n\n`),
    };
    for (let next = 0;;) {
      await tail.read(sink);
      if (replaced) return void await send("event: reset\ndata: {}\n\n");
      for (const message of fresh) await send(message);
      fresh = [];
      if (performance.now() >= next) {
        await send(`event: alive\ndata: ${JSON.stringify({ alive: await isAlive(runDir) })}\n\n`);
        next = performance.now() + pulseMilliseconds;
      }
      await sleep(pollMilliseconds, undefined, { signal: closed.signal });
    }
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    response.end();
  }
}
