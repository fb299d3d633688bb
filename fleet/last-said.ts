// The last that a run said, in words: what is left of one whose worker died with it.
// The trap: the log is torn where the machine died, and where runs travel it is as new as their last snapshot.
import { join } from "node:path";
import { Effect, Result, Schema } from "effect";
import { textIn } from "../lib/look.ts";

const { Finite, String: Text, Struct, optionalKey } = Schema;

const Said = Schema.fromJsonString(Struct({
  event: Text,
  stage: optionalKey(Text),
  step: optionalKey(Finite),
  text: optionalKey(Text),
  error: optionalKey(Text),
}));
const decode = Schema.decodeUnknownResult(Said);

const count = 5;

/** Its last lines, the oldest first; none: it said nothing here. */
export const lastSaid = (dir: string): Effect.Effect<readonly string[]> =>
  Effect.map(textIn(join(dir, "events.jsonl")), (log = "") =>
    log.split("\n").flatMap((line) => {
      const said = Result.getOrNull(decode(line));
      if (said === null) return [];
      const { event, stage, step, text, error } = said;
      return [[event, stage, step, text, error].filter((part) => part !== undefined).join(" ")];
    }).slice(-count));
