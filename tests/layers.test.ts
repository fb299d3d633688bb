// Who may import whom, types included: lib <- hub, engine, runtime; runtime <- inversion, stages, config
// <- observe <- cli. No two files import each other in a circle, and the runner stays small.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { globSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** What a folder may import beside itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  hub: ["lib"],
  engine: ["lib"],
  runtime: ["lib"],
  config: ["lib", "engine", "hub", "runtime", "inversion", "stages"],
  inversion: ["lib", "engine", "hub", "runtime", "config", "stages"],
  stages: ["lib", "engine", "hub", "runtime", "config", "inversion"],
  sweep: ["lib", "runtime"],
  fleet: ["lib", "runtime", "sweep"],
  observe: ["lib", "engine", "hub", "runtime", "config", "inversion", "stages", "sweep", "fleet"],
  cli: [
    ...["lib", "engine", "hub", "runtime", "config", "inversion", "stages", "sweep", "fleet"],
    "observe",
  ],
};
const folders = Object.keys(allowed);

const isTest = (file: string) => /\.test\.ts$|\.fixture\.ts$|(^|\/)testing\//.test(file);
const files = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,js}`, { cwd: root }))
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => !isTest(file) && file !== "runtime/cli/main.ts");

/** Files of the project that a file imports, by any form of import, or only as it is loaded itself. */
function importsOf(file: string, { atOnce = false } = {}): readonly string[] {
  const later = atOnce ? "" : "|\\bimport\\(\\s*|\\bimport\\.meta\\.resolve\\(\\s*";
  const found = read(file).matchAll(
    new RegExp(`(?:\\bfrom\\s*|\\bimport\\s*${later})"(\\.{1,2}/[^"]+)"`, "g"),
  );
  return [...found].map(([, path]) =>
    relative(root, join(root, dirname(file), path)).replaceAll("\\", "/")
  ).filter((path) => !path.startsWith("node_modules"));
}
const graph = new Map(files.map((file) => [file, importsOf(file)]));

test("folders import downwards only", () => {
  const wrong = files.flatMap((file) => {
    const [folder] = file.split("/");
    return graph.get(file)!
      .filter((path) => !path.startsWith(`${folder}/`))
      .filter((path) => !allowed[folder].includes(path.split("/")[0]))
      // A package file of the whole project: its version, its schema.
      .filter((path) => !/^(package|deno)\.json$/.test(path))
      .map((path) => `${file} -> ${path}`);
  });
  assert.ok(files.length > 300);
  assert.deepEqual(wrong, []);
});

/** Folders of the runner and of the engine, each of which may import those before it. */
const orders: Readonly<Record<string, readonly string[]>> = {
  runtime: ["options", "pipeline", "store", "run-folder", "runs", "plan", "execute"],
  engine: [
    ...["graph", "autodiff", "device", "random", "networks", "diffusion", "optimise", "text"],
    ...["weights", "memory", "session", "sample", "probe", "setup"],
  ],
};

for (const [whole, order] of Object.entries(orders)) {
  test(`inside ${whole}/ each folder imports those before it`, () => {
    const placeOf = (file: string) => order.indexOf(file.split("/")[1]);
    const own = files.filter((file) => file.startsWith(`${whole}/`) && placeOf(file) >= 0);
    const wrong = own.flatMap((file) =>
      graph.get(file)!
        .filter((path) => path.startsWith(`${whole}/`) && placeOf(path) > placeOf(file))
        .map((path) => `${file} -> ${path}`)
    );
    assert.ok(own.length > 50);
    assert.deepEqual(wrong, []);
  });
}

test("no stage imports another", () => {
  const wrong = files.filter((file) => file.startsWith("stages/")).flatMap((file) => {
    const [, own] = file.split("/");
    return graph.get(file)!
      .filter((path) => path.startsWith("stages/") && path.split("/")[1] !== own)
      .map((path) => `${file} -> ${path}`);
  });
  assert.deepEqual(wrong, []);
});

test("no files import each other in a circle", () => {
  const circles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, way: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...way.slice(way.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
});

test("every test lies where both suites look for it", () => {
  const all = globSync("**/*.test.ts", {
    cwd: root,
    exclude: (name) => /^(node_modules|output|\.git)$/.test(String(name)),
  }).map((file) => file.replaceAll("\\", "/").split("/")[0]);
  const deno = JSON.parse(read("deno.json")).tasks.test as string;
  const npm = JSON.parse(read("package.json")).scripts.test as string;
  for (const folder of new Set(all)) {
    assert.match(deno, new RegExp(`\\b${folder}\\b`), `deno task test, ${folder}`);
    assert.match(npm, new RegExp(`\\b${folder}\\b`), `npm test, ${folder}`);
  }
});

/** Files that are reached by imports, types included. */
function reachedFrom(start: string, through = graph): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    (through.get(file) ?? []).forEach(visit);
  };
  visit(start);
  return seen;
}

test("the runner is small: files reached from its module, and lines in its folder", () => {
  const reached = [...reachedFrom("runtime/mod.ts")].filter((file) => /\.(ts|js)$/.test(file));
  assert.ok(reached.length > 30);
  assert.ok(reached.length <= 120, `${reached.length} files`);
  const lines = files.filter((file) => file.startsWith("runtime/"))
    .reduce((sum, file) => sum + read(file).split("\n").length - 1, 0);
  assert.ok(lines <= 7500, `${lines} lines`);
});

test("a training alone loads nothing of sweeps, and --help nothing of a training", () => {
  const loaded = new Map(files.map((file) => [file, importsOf(file, { atOnce: true })]));
  const training = [...reachedFrom("cli/pipeline-actions.ts", loaded)];
  assert.ok(training.length > 100);
  assert.deepEqual(training.filter((file) => /^(sweep|fleet)\//.test(file)), []);
  const help = [...reachedFrom("cli/pipeline.ts", loaded)];
  assert.ok(help.includes("engine/device/providers.ts"));
  assert.deepEqual(help.filter((file) => !/^(cli|lib|engine\/device)\//.test(file)), []);
});

test("the runner knows no training: its identifiers and texts name none", () => {
  const words = /placeholder|tokenise|vocabulary|embedding|latents|SDXL|provider|GiB|picture/i;
  const found = files.filter((file) => file.startsWith("runtime/")).flatMap((file) =>
    read(file)
      .replaceAll(/\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ""))
      .split("\n")
      .map((line) => line.replace(/(^|\s)\/\/.*$/, ""))
      .flatMap((line, i) => words.test(line) ? [`${file}:${i + 1} ${line.trim()}`] : [])
  );
  assert.deepEqual(found, []);
});
