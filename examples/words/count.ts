// Counts words: a cached stage. The same text is not counted twice, whichever run asks.
import { artefact, defineStage, Effect, Schema } from "../../runtime/mod.ts";

export const counts = artefact("counts", Schema.Record(Schema.String, Schema.Int));

export default defineStage({
  name: "count",
  version: 1,
  summary: "Counts the words of a text",
  options: Schema.Struct({ text: Schema.String }),
  reads: {},
  writes: { counts },
  lifetime: "cached",
  run: ({ options }) =>
    Effect.sync(() => {
      const words = options.text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      const found: Record<string, number> = {};
      for (const word of words) found[word] = (found[word] ?? 0) + 1;
      return { counts: found };
    }),
});
