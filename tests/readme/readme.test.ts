// Every command of the README is run as it stands there, in a fresh folder, with the runtime of the
// test in the place of `deno run`; trainings are cut to two steps. What takes minutes runs in CI.
// The trap: `output/bruce_the_gnome-1a2b3c4d` stands for the run that the test made.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { root, runIn } from "../end-to-end/project.ts";
import { blocksOf, makeProject, needsFleet, read, shell } from "./readme-project.ts";

/** Run by `.ci/run`, in fresh clones. */
const inCi: Readonly<Record<string, string>> = {
  "npx -y deno@2.9.6 run pipeline sdxl-ti\n": "trains for minutes",
  "npx -y deno@2.9.6 task test\n": "is what is running now",
  "npm install\nnpm run pipeline sdxl-ti\n": "trains for minutes",
};

/** Ended once they have said this. */
const endless: Readonly<Record<string, RegExp>> = {
  "deno run monitor\n": /Open http/,
};

const folder = mkdtempSync(join(tmpdir(), "gnomic-readme-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The first training's; a sweep makes others beside it. */
let run = "";

before(async () => {
  makeProject(folder);
  // Blocks that are files begin with a comment that names them.
  for (const code of [...blocksOf("ts"), ...blocksOf("yaml")]) {
    const path = /^(?:\/\/|#) (my-\S+)$/m.exec(code)?.[1];
    if (path === undefined) continue;
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), code);
  }
  await shell(folder, "deno run pipeline sdxl-ti\n");
  run = basename(runIn(folder));
});

for (const block of blocksOf("sh")) {
  if (block in inCi || needsFleet(block)) continue;
  test(block.trim().split("\n")[0], async () => {
    const name = /my-gnome\/|examples\//.test(block) ? "" : run;
    // Deno would look for what an example imports beside the link.
    const here = block.replaceAll("./examples/", `${root}/examples/`);
    await shell(folder, here.replaceAll("bruce_the_gnome-1a2b3c4d", name), endless[block]);
  });
}

test("what is not run here is run by CI", () => {
  const ci = read(".ci/run").split("\n").map((line) => line.trim());
  const blocks = blocksOf("sh");
  for (const block of [...Object.keys(inCi), ...Object.keys(endless)]) {
    assert.ok(blocks.includes(block), `not in the README: ${block}`);
  }
  for (const line of Object.keys(inCi).flatMap((block) => block.trim().split("\n"))) {
    assert.ok(ci.includes(line), `not in .ci/run: ${line}`);
  }
});

for (const document of ["README.md", "CONTRIBUTING.md", "NOTICE"]) {
  test(`every file that ${document} names is there`, () => {
    const folders =
      "cli|config|docs|engine|examples|fleet|hub|inversion|lib|observe|pipelines|runtime|sample_data|stages|sweep|sweeps|tests";
    const named = [
      ...read(document).matchAll(new RegExp(`(?<![\\w/])(?:${folders})/[\\w./-]*`, "g")),
    ];
    const gone = named.map(([path]) => path.replace(/\.$/, "")).filter((path) =>
      !existsSync(join(root, path))
    );
    assert.deepEqual(gone, []);
    assert.ok(named.length > 5);
  });
}
