// Says the longest word, as an event of its own, and keeps it in the run's folder.
// The trap: what belongs to the run stays in its folder, so after a kill it is made again where it is missing.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineStage, Effect, eventSchema, Schema, tryPromise } from "../../runtime/mod.ts";
import { counts } from "./count.ts";

const fileIn = (runDir: string) => join(runDir, "longest.txt");

export default defineStage({
  name: "longest",
  version: 1,
  summary: "Says the longest word",
  options: Schema.Struct({}),
  reads: { counts },
  writes: {},
  lifetime: "run",
  events: {
    "longest-word": {
      schema: eventSchema("longest-word", { word: Schema.String, times: Schema.Int }),
    },
  },
  remainingWork: (_options, { runDir }) =>
    Effect.sync(() => existsSync(fileIn(runDir)) ? null : { why: "longest.txt is not written" }),
  run: ({ inputs, tools }) =>
    Effect.gen(function* () {
      const words = Object.keys(inputs.counts).sort((a, b) =>
        b.length - a.length || (a < b ? -1 : 1)
      );
      const [word = ""] = words;
      yield* tools.emit({ event: "longest-word", word, times: inputs.counts[word] ?? 0 });
      yield* tryPromise(() => writeFile(fileIn(tools.runDir), `${word}\n`));
      return {};
    }),
});
