// A stage's slice of the configuration, and what is said of options that it does not know.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect, Schema } from "effect";
import { defineStage } from "../stage.ts";
import { stageOptions, withFacts } from "./stage-options.ts";

const stage = defineStage({
  name: "paint",
  version: 1,
  summary: "Paints",
  options: Schema.Struct({
    seed: Schema.Int,
    brush: Schema.Struct({ width: Schema.Int, colour: Schema.NullOr(Schema.String) }),
    around: Schema.Record(Schema.String, Schema.String),
  }),
  reads: {},
  writes: {},
  lifetime: "cached",
  run: () => Effect.succeed({}),
});
const values = { seed: 3, brush: { width: 2, colour: null, hairs: 9 }, around: {}, other: 1 };

const optionsOf = (options: Record<string, Schema.Json>, all: object = values) => {
  const step = { id: "p", stage, use: { use: "paint", options }, reads: {} };
  const known = { values: all as Record<string, unknown>, unhashed: [] };
  return stageOptions(step, known, () => ({ file: "toy.yaml", line: 3 }));
};
const said = (...of: Parameters<typeof optionsOf>) => {
  const found = optionsOf(...of);
  return "faults" in found ? found.faults.map(({ message }) => message).join("\n") : "";
};

test("its own keys of the configuration, the pipeline file's laid over", () => {
  const found = optionsOf({ brush: { width: 5 }, around: { "a.jpg": "a lawn" } });
  assert.ok("options" in found);
  assert.deepEqual(found.options.encoded, {
    seed: 3,
    brush: { width: 5, colour: null },
    around: { "a.jpg": "a lawn" },
  });
});

test("a key that it does not know, at any depth, is a typing error", () => {
  assert.match(said({ sed: 1 }), /toy\.yaml:3 stages\.p\.options\.sed: .*Did you mean seed\?/);
  assert.match(
    said({ brush: { widht: 5 } }),
    /stages\.p\.options\.brush\.widht: .*\(colour, width\), found widht\. Did you mean width\?/,
  );
});

test("a wrong value and a missing one, each where it is to be changed", () => {
  assert.match(said({ seed: "x" }), /stages\.p\.options\.seed: .*got "x"\. Change it/);
  assert.match(
    said({}, { ...values, seed: undefined }),
    /seed: .*found (nothing|.*undefined).*under stages\.p\.options/,
  );
  assert.match(said({}, { brush: values.brush, around: {} }), /seed: .*asks for, found nothing/);
});

test("what is settled later goes into options of that name, unless the pipeline file says them", () => {
  const step = (options: Record<string, Schema.Json>) => ({
    ...{ id: "p", stage, reads: {} },
    use: { use: "paint", options },
  });
  const settled = (own: Record<string, Schema.Json>, facts: Record<string, unknown>) => {
    const found = optionsOf(own);
    assert.ok("options" in found);
    return withFacts(step(own), found.options, facts);
  };
  // What decoding the whole anew gives.
  const anew = (own: Record<string, Schema.Json>, facts: Record<string, unknown>) => {
    const found = optionsOf(own, { ...values, ...facts });
    assert.ok("options" in found);
    return found.options;
  };
  const owns: readonly Record<string, Schema.Json>[] = [{}, { seed: 4 }, { around: { a: "b" } }];
  for (const own of owns) {
    assert.deepEqual(settled(own, { seed: 9, hue: 1 }), anew(own, { seed: 9, hue: 1 }));
  }
  const wrong = settled({}, { seed: "x" });
  assert.ok(wrong instanceof Error);
  assert.match(wrong.message, /stages\.p: .*paint understands, found {"seed":"x"}/);
});
