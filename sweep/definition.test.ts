// What is wrong with a sweep file, each with its line and the way out; and that what is right is read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { readDefinition } from "./definition.ts";

const known = {
  options: ["optimizer.learning_rate", "seed", "num_vectors", "data_loader.dataset.dataset_dir"],
  providers: ["cpu", "cuda"],
};

const read = (lines: string) =>
  Effect.runSync(
    Effect.result(readDefinition(`sweep: s\npipeline: sdxl-ti\n${lines}\n`, "s.yaml", known)),
  );

const refused = (lines: string): string => {
  const result = read(lines);
  assert.equal(result._tag, "Failure", `${lines} was taken`);
  return result._tag === "Failure" ? result.failure.message : "";
};

const wrong: readonly (readonly [what: string, lines: string, message: RegExp])[] = [
  ["an unknown key", "marix: {}", /s\.yaml:3 marix: .*Did you mean matrix\?/],
  [
    "an option nobody knows",
    "matrix: { optimizer.learning_rat: [1] }",
    /s\.yaml:3 matrix\.optimizer\.learning_rat: .*Did you mean optimizer\.learning_rate\?/,
  ],
  ["an empty matrix", "matrix: { seed: [] }", /matrix\.seed: wanted values, found an empty list/],
  [
    "a value where a list is wanted",
    "matrix: { seed: true }",
    /matrix\.seed: wanted a list, found true/,
  ],
  [
    "a name that is no text",
    "list: [{ name: { toString: 1 } }]",
    /list\.0\.name: wanted a text that/,
  ],
  ["a key in two blocks", "list: [{ seed: 1 }]\nmatrix: { seed: [1] }", /in list and in matrix/],
  ["a log range through 0", "random: { trials: 2, seed: { log: [0, 1] } }", /bounds above 0/],
  ["a range upside down", "random: { trials: 2, seed: { uniform: [2, 1] } }", /Write \[1, 2\]/],
  [
    "an infinite bound",
    "random: { trials: 2, seed: { uniform: [.inf, .inf] } }",
    /random\.seed: wanted finite numbers, found \{"uniform":\["Infinity","Infinity"\]\}\. Write/,
  ],
  ["a value that is no number", "matrix: { seed: [.nan] }", /seed\.0: wanted finite .*found "NaN"/],
  [
    "a range past all numbers",
    "random: { trials: 2, seed: { uniform: [-1.7e308, 1.7e308] } }",
    /random\.seed: wanted a range that is a number/,
  ],
  [
    "a factor past all numbers",
    "random: { trials: 2, seed: { log: [1e-300, 1e300] } }",
    /random\.seed: wanted a range that is a number/,
  ],
  ["a draw of another kind", "random: { trials: 2, seed: { unifrom: [1, 2] } }", /mean uniform\?/],
  ["random without trials", "random: { seed: [1] }", /random\.trials: wanted how many trials/],
  [
    "per that splits nothing",
    "rank: { per: [seed] }",
    /rank\.per: .*seed, which is the same in all/,
  ],
  [
    "per that splits nothing, since there is one value",
    "rank: { per: [seed] }\nmatrix: { seed: [3, 3] }",
    /s\.yaml:3 rank\.per: .*seed, which is the same in all/,
  ],
  [
    "an option that is in the value of another key, too",
    "list: [{ optimizer: { learning_rate: 1 } }]\nmatrix: { optimizer.learning_rate: [1, 2] }",
    /s\.yaml:4 matrix\.optimizer\.learning_rate: .*found optimizer too, whose value holds it/,
  ],
  [
    "a provider that there is not",
    "needs: { provider: cdua }",
    /s\.yaml:3 needs\.provider: wanted one of cpu, cuda, found cdua\. Did you mean cuda\?/,
  ],
  ["a halving of one", "halving: { first: 10, factor: 1 }", /halving\.factor/],
];

for (const [what, lines, message] of wrong) {
  test(`${what} is refused`, () => assert.match(refused(lines), message));
}

test("everything that is wrong is said at once", () => {
  const message = refused(
    "matrix: { seed: [], nothing: [1] }\nrandom: { num_vectors: { log: [-1, 1] } }",
  );
  for (const part of ["matrix.seed", "matrix.nothing", "random.num_vectors", "random.trials"]) {
    assert.ok(message.includes(part), `${part} in ${message}`);
  }
});

test("a mapping of an option may be given whole, and names are no options", () => {
  const result = read("list: [{ name: hats, data_loader.dataset: { dataset_dir: hats } }]");
  assert.equal(result._tag, "Success");
});

test("a name is told by what it may hold, and how long it may be", () => {
  for (const name of ["a b", "-a", "x".repeat(101)]) {
    const result = Effect.runSync(
      Effect.result(readDefinition(`sweep: "${name}"\npipeline: sdxl-ti\n`, "s.yaml", known)),
    );
    assert.ok(result._tag === "Failure", `${name} was taken`);
    assert.match(result.failure.message, /s\.yaml:1 sweep: wanted a name of at most 100 letters/);
  }
});

test("an option and one above it may be set by different trials", () => {
  const result = read(
    "list: [{ optimizer: { learning_rate: 1 } }, { optimizer.learning_rate: 2 }]\nrank: { per: [] }",
  );
  assert.equal(result._tag, "Success");
});
