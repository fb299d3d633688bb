// Rules that no type says: Effects are run at the edges alone, files are read and written by lib/. A test, a
// fixture and `testing/` are free.
// The trap: it reads text, so a call hidden behind another name goes unseen.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dependenciesIn } from "./dependencies.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const isTest = (file: string) => /\.test\.ts$|\.fixture\.ts$|(^|\/)testing\//.test(file);
const sources = (...folders: readonly string[]): readonly string[] =>
  folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,js}`, { cwd: root }))
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !isTest(file));
/** Without comments. */
const codeOf = (file: string): string =>
  readFileSync(join(root, file), "utf8")
    .replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "");

const folders = [
  ...["lib", "hub", "engine", "runtime", "config", "inversion", "stages"],
  ...["sweep", "fleet", "observe"],
];

test("files are read and written by lib/ alone, so that what a test injects there reaches all", () => {
  // Records are appended by one write call each, from observers that are no Effects, to a copy of the events that
  // may be deleted at any time.
  const allowed = ["observe/tensorboard/event-file.ts"];
  assert.ok(allowed.length <= 5);
  const imports = /["'](?:node:)?fs(?:\/promises)?["']/;
  const found = sources("runtime", "stages", "inversion", "observe")
    .filter((file) => imports.test(codeOf(file)));
  assert.deepEqual(found.sort(), allowed);
});

test("no function takes more than four dependencies by name", () => {
  const most = (found: ReturnType<typeof dependenciesIn>) =>
    found.filter(({ names }) => names.length > 4).map(({ place, names }) => [place, ...names]);
  const sample = `
interface Clock {
  readonly now: () => number;
}
interface Bag {
  readonly clock: Clock;
  readonly log: (text: string) => void;
  readonly size: number;
}
const few = (bag: Bag, size: number) => size;
function many({ clock, log, size }: Bag, stop: () => void, clock2: Clock, end: Effect.Effect<void>) {}
`;
  assert.deepEqual(most(dependenciesIn(new Map([["sample.ts", sample]]))), [
    ["sample.ts:11", "clock", "log", "stop", "clock2", "end"],
  ]);
  const all = dependenciesIn(
    new Map(sources(...folders, "cli").map((file) => [file, codeOf(file)])),
  );
  assert.ok(all.length > 3000 && all.some(({ names }) => names.length === 4));
  assert.deepEqual(most(all), []);
});

test("Effects are run in cli/ and at the page's edge alone", () => {
  // The default of a service has to be there at once; building this layer waits for nothing.
  const edges = ["observe/edge.ts", "lib/files.ts"];
  const runs = /\b(?:runSync|runPromise|runFork|runCallback)/;
  const found = sources(...folders).filter((file) => runs.test(codeOf(file)));
  assert.deepEqual(found.sort(), edges.sort());
  assert.ok(sources("cli").some((file) => runs.test(codeOf(file))), "the rule sees such calls");
});
