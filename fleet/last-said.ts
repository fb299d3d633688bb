// The last that a run said, in words: what is left of one whose worker died with it.
// The trap: the log is torn where the machine died, and where runs travel it is as new as their last snapshot.
import { Effect, Result, Schema } from "effect";
import { textIn } from "../lib/look.ts";
import { eventsFile } from "../runtime/run-folder/run-files.ts";

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
  Effect.map(textIn(eventsFile(dir)), (log = "") => {
    const lines = log.split("\n");
    const said: string[] = [];
    for (let i = lines.length - 1; i >= 0 && said.length < count; i--) {
      const found = Result.getOrNull(decode(lines[i]));
      if (found === null) continue;
      const { event, stage, step, text, error } = found;
      said.unshift(
        [event, stage, step, text, error].filter((part) => part !== undefined).join(" "),
      );
    }
    return said;
  });
