// Small stages to run pipelines of in tests. Each counts how often its work was done in `work`.
import { Effect, Schema } from "effect";
import { artefact, Blob } from "../artefact.ts";
import { defineStage } from "../stage.ts";

export const words = artefact("words", Schema.Array(Schema.String));
export const lengths = artefact("lengths", Schema.Array(Schema.Int));
const shouts = artefact("shouts", Schema.Array(Blob));
const sums = artefact("sums", Schema.Struct({ total: Schema.Int, louder: Schema.Int }));

/** What a stage of a test has to say that nobody asks for. */
export const plain = { version: 1, summary: "toy", options: Schema.Struct({}) } as const;

/**
 * split -> (measure, shout) -> sum. `versions` raises a stage's version; `source` is what `split` says
 * of the world outside.
 */
export function toyStages(
  options: { readonly versions?: Record<string, number>; readonly source?: () => unknown } = {},
) {
  const work: string[] = [];
  const version = (name: string) => options.versions?.[name] ?? 1;
  const split = defineStage({
    name: "split",
    version: version("split"),
    summary: "A text to words",
    options: Schema.Struct({
      text: Schema.String,
      nested: Schema.optionalKey(Schema.Json),
      where: Schema.optionalKey(Schema.String),
    }),
    reads: {},
    writes: { words },
    lifetime: "cached",
    inputs: () => Effect.sync(() => options.source?.() ?? null),
    run: ({ options: { text } }) =>
      Effect.sync(() => {
        work.push("split");
        return { words: text.split(/\s+/) };
      }),
  });
  const measure = defineStage({
    name: "measure",
    version: version("measure"),
    summary: "Words to their lengths",
    options: Schema.Struct({ count_from: Schema.optionalKey(Schema.Int) }),
    reads: { words },
    writes: { lengths },
    lifetime: "cached",
    run: ({ options, inputs }) =>
      Effect.sync(() => {
        work.push("measure");
        return { lengths: inputs.words.map((word) => word.length + (options.count_from ?? 0)) };
      }),
  });
  const shout = defineStage({
    name: "shout",
    version: version("shout"),
    summary: "Words to loud words, as blobs, each remembered by itself",
    options: Schema.Struct({}),
    reads: { words },
    writes: { shouts },
    lifetime: "cached",
    run: ({ inputs, tools }) =>
      Effect.map(
        Effect.forEach(inputs.words, (word) =>
          tools.memo(
            { word },
            Effect.sync(() => {
              work.push(`shout ${word}`);
              return new TextEncoder().encode(`${word.toUpperCase()}!`);
            }),
          )),
        (made) => ({ shouts: made }),
      ),
  });
  const sum = defineStage({
    name: "sum",
    version: version("sum"),
    summary: "Adds up",
    options: Schema.Struct({}),
    reads: { lengths, shouts },
    writes: { sums },
    lifetime: "cached",
    run: ({ inputs, tools }) =>
      Effect.gen(function* () {
        const loud = yield* Effect.forEach(inputs.shouts, tools.get);
        work.push("sum");
        return {
          sums: {
            total: inputs.lengths.reduce((a, b) => a + b, 0),
            louder: loud.reduce((a, b) => a + b.length, 0),
          },
        };
      }),
  });
  return { split, measure, shout, sum, work };
}
