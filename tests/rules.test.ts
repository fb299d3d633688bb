// Rules that no type says: Effects are run at the edges alone, files are read and written by lib/. A test, a
// fixture and `testing/` are free.
// The trap: it reads text, so a call hidden behind another name goes unseen.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

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

test("Effects are run in cli/ and at the page's edge alone", () => {
  // The default of a service has to be there at once; building this layer waits for nothing.
  const edges = ["observe/edge.ts", "lib/files.ts"];
  const runs = /\b(?:runSync|runPromise|runFork|runCallback)/;
  const found = sources(...folders).filter((file) => runs.test(codeOf(file)));
  assert.deepEqual(found.sort(), edges.sort());
  assert.ok(sources("cli").some((file) => runs.test(codeOf(file))), "the rule sees such calls");
});
