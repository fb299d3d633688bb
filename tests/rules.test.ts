// Rules that no type says: Effects are run at the edges alone, files are read and written by lib/, a file has one
// header, and what the documents name is there. A test, a fixture and `testing/` are free of the first two.
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

test("no folder is made by Node's own recursive call, which never ends on a disk that went away", () => {
  const call = /\b(?:mkdir|mkdirSync|makeDirectory)\([^;]*?recursive: true/;
  assert.match(`await mkdir(folder, { recursive: true });`, call);
  const found = sources(...folders, "cli").filter((file) => call.test(codeOf(file)));
  assert.deepEqual(found, [], "lib/make-folders.ts makes them");
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

/** Line comments that stand for themselves: more of the file follows than what they are written above. */
const headersOf = (file: string): readonly string[] => {
  const text = readFileSync(join(root, file), "utf8").replace(/^#!.*\n/, "");
  const blocks = text.matchAll(/(?:^|\n\n)((?:\/\/.*\n)+)(?=(.*)\n)/g);
  return [...blocks]
    .filter(({ index, 1: block, 2: next }) =>
      index === 0 || next === "" || block.includes("The trap:")
    )
    .map(({ 1: block }) => block.split("\n")[0]);
};

test("a file opens with what it is, and has no second header further down", () => {
  const all = sources(...folders, "cli");
  const several = all.filter((file) => headersOf(file).length > 1);
  assert.deepEqual(several, []);
  const none = all.filter((file) =>
    !/^(#!.*\n)?(\/\/|\/\*)/.test(readFileSync(join(root, file), "utf8"))
  );
  assert.deepEqual(none, []);
  assert.ok(all.filter((file) => headersOf(file).length === 1).length > 500, "headers are seen");
});

test("names that outlive a version are spelled in one place: a run's files, keys of metadata", () => {
  const homes = [
    "runtime/run-folder/run-files.ts",
    "inversion/metadata-keys.ts",
    "fleet/winner-files.ts",
  ];
  const name = /"(?:run\.json|events\.jsonl|state\.safetensors|gnomic\.[a-z_]+)"/;
  const found = sources(...folders, "cli").filter((file) => name.test(codeOf(file)));
  assert.deepEqual(found.sort(), homes.sort());
});

test("every file and folder that the documents name is there", () => {
  const documents = ["CONTRIBUTING.md", ...globSync("docs/*.md", { cwd: root })];
  const all = globSync("**/*", {
    cwd: root,
    exclude: (name) => /^(node_modules|output|\.git)$/.test(String(name)),
  }).map((file) => `/${file.replaceAll("\\", "/")}`);
  const named = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8");
    return [...text.matchAll(/`([\w.@/-]+(?:\.(?:ts|js|yaml|md)|\/))`/g)]
      .map(([, path]) => ({ document, path }))
      // There a folder is one of a run or of the store.
      .filter(({ path }) => !(document === "docs/file-formats.md" && path.endsWith("/")));
  });
  // A bare name stands for a file of the folder that is spoken of.
  const missing = named.filter(({ path }) =>
    !all.some((file) => file.endsWith(`/${path.replace(/\/$/, "")}`))
  );
  assert.ok(named.length > 100);
  assert.deepEqual(missing, []);
});
