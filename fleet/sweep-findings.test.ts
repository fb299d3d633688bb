// What is wrong with a sweep as its trials are, each with the line of its file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { describeFault } from "../lib/fault.ts";
import { readDefinition } from "../sweep/definition.ts";
import { trialsOf } from "../sweep/trials.ts";
import { type Measured, settingOf, sweepFindings } from "./sweep-findings.ts";

const define = (lines: string) =>
  Effect.runSync(readDefinition(`sweep: s\npipeline: p\n${lines}\n`, "s.yaml", null));

const found = (lines: string, of: (trial: Measured) => Partial<Measured> = () => ({})) => {
  const definition = define(lines);
  const trials = trialsOf(definition).map((trial): Measured => {
    const plain = {
      ...{ trial, identity: trial.name, base: "/output", heldOut: false, steps: 8 },
      length: "max_train_steps 8",
    };
    return { ...plain, ...of(plain) };
  });
  return sweepFindings(definition, trials).map(describeFault).join("\n");
};

const seeds = "matrix: { seed: [1, 2] }";

test("a sweep as it should be has none, also where trials of one length are one run", () => {
  assert.equal(found(seeds), "");
  assert.equal(found(seeds, () => ({ identity: "one" })), "");
});

const wrong: readonly (readonly [
  what: string,
  lines: string,
  of: (trial: Measured) => Partial<Measured>,
  message: RegExp,
])[] = [
  [
    "lengths of one run",
    "matrix:\n  seed: [1]\n  max_train_steps:\n    - 8\n    - 16",
    ({ trial: { overrides } }) => ({
      ...{ identity: "one", length: `max_train_steps ${overrides.max_train_steps}` },
    }),
    /^s\.yaml:7: wanted trials that are .*_steps 16 in trial 2 and max_train_steps 8 in trial 1/,
  ],
  [
    "folders of runs",
    `list:\n  - { seed: 1, base_output_dir: a }\n  - { seed: 2, base_output_dir: b }`,
    ({ trial: { overrides } }) => ({ base: `/${overrides.base_output_dir}` }),
    /^s\.yaml:5 base_output_dir: wanted one folder .*found \/a in trial 1, \/b in trial 2/,
  ],
  [
    "a loss that nobody measures",
    `${seeds}\nrank:\n  by: fixed_loss`,
    () => ({ heldOut: null }),
    /^s\.yaml:5 rank\.by: wanted a loss that is measured/,
  ],
  [
    "a halving beyond the end",
    `${seeds}\nhalving:\n  factor: 2\n  first: 8`,
    () => ({}),
    /^s\.yaml:6 halving\.first: wanted a step before the end of every trial \(8\), found 8/,
  ],
  [
    "epochs where steps are counted",
    `${seeds}\nbudget:\n  steps: 9`,
    () => ({ steps: null }),
    /^s\.yaml:5 budget\.steps: wanted trainings whose length is given in steps/,
  ],
];

for (const [what, lines, of, message] of wrong) {
  test(`${what}: said with the line`, () => assert.match(found(lines, of), message));
}

test("what a trial sets stands where its value does, whichever block that is in", () => {
  const definition = define(
    "list:\n  - a: { b: 1 }\n  - a: { b: 2 }\nmatrix:\n  c:\n    - 1\n    - 2\nrandom:\n" +
      "  trials: 1\n  d: [1]",
  );
  const last = trialsOf(definition).at(-1)!;
  const line = (key: string) => settingOf(definition, last, key)?.line;
  assert.deepEqual(["a.b", "c", "d", "e"].map(line), [5, 9, 12, undefined]);
});
