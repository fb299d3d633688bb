import assert from "node:assert/strict";
import { Effect } from "effect";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readSafetensors, writeSafetensors } from "../lib/safetensors/safetensors.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { UsageFault } from "./command.ts";
import { embeddingCommand } from "./embedding.ts";

async function run(args: string[], options: Record<string, unknown> = {}): Promise<string[]> {
  const lines: string[] = [];
  await Effect.runPromise(
    embeddingCommand.run(args, options, { print: (line) => lines.push(line) }),
  );
  return lines;
}

test("check and convert from the command line, in words and in JSON", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-command-"));
  try {
    const file = join(folder, "bruce_x.safetensors");
    const tensor = (width: number) => ({
      dtype: "F32" as const,
      shape: [2, width],
      data: new Float32Array(2 * width).fill(0.25),
    });
    await writeSafetensors(file, new Map([["clip_l", tensor(768)], ["clip_g", tensor(1280)]]));
    const text = await run(["check", file]);
    assert.equal(text[0], file);
    assert.ok(text.some((line) => line.includes("embedding:bruce_x")));
    const evil = join(folder, "evil.safetensors");
    const metadata = { "gnomic.base_model": "\x1b[2Jmodel", "gnomic.trigger": "x\x1b[31m" };
    const both = new Map([["clip_l", tensor(768)], ["clip_g", tensor(1280)]]);
    await writeSafetensors(evil, both, metadata);
    const lines = [
      ...await run(["check", evil]),
      ...await run(["convert", evil], { out: join(folder, "evil-pair") }),
    ];
    assert.ok(lines.some((line) => line.includes("model")));
    assert.ok(!lines.join("").includes("\x1b"));
    const [json] = await run(["check", file], { json: true });
    assert.deepEqual(JSON.parse(json).clientResults.map(({ loads }: { loads: string }) => loads), [
      "yes",
      "yes",
      "yes",
      "no",
    ]);

    const pair = await run(["convert", file], { token: 7, out: join(folder, "pair") });
    assert.equal(pair[0], join(folder, "pair", "learned_embeds.safetensors"));
    assert.ok(pair.some((line) => line.startsWith("  pipe.load_textual_inversion(")));
    assert.deepEqual([...(await readSafetensors(pair[0])).keys()], ["7"]);
    const [back] = await run(["convert", join(folder, "pair")], { to: "canonical", json: true });
    assert.deepEqual(JSON.parse(back), { files: [join(folder, "7.safetensors")], token: "7" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("average and prune from the command line: the mean, and what stays; bad numbers change nothing", () =>
  withTemporaryFolder(async (folder) => {
    const write = async (name: string, value: number) => {
      const file = join(folder, `${name}.safetensors`);
      const half = () => ({
        dtype: "F32" as const,
        shape: [2, 24],
        data: new Float32Array(48).fill(value),
      });
      const both = new Map([["clip_l", half()], ["clip_g", half()]]);
      await writeSafetensors(file, both, { "gnomic.trigger": "bruce_x", "gnomic.vectors": "2" });
      return file;
    };
    const [first, second] = [await write("a", 0.25), await write("b", 0.75)];
    const out = join(folder, "mean.safetensors");
    assert.deepEqual(await run(["average", first, second], { out }), [
      out,
      "  the mean of 2 files",
    ]);
    const mean = (await readSafetensors(out)).get("clip_g")!;
    assert.deepEqual([...new Set(mean.data as Float32Array)], [0.5]);
    const before = await readdir(folder);
    for (const to of [0, 2, 3]) {
      await assert.rejects(
        run(["prune", first], { to, pictures: folder, threads: 1 }),
        new RegExp(`fewer vectors than the 2 .*found ${to}\\. Give a number from 1 to 1`),
      );
    }
    await assert.rejects(run(["prune", first], { to: 1 }), /no --pictures/);
    await assert.rejects(run(["prune", first], { pictures: folder }), /no --to/);
    await assert.rejects(
      run(["prune", first], { to: "two", pictures: folder }),
      /--to two \(a whole/,
    );
    assert.deepEqual(await readdir(folder), before);
    assert.ok((await run(["check", out], {})).includes("  the mean of 2 files"));
  }));

test("what cannot be meant is a usage fault", async () => {
  for (const [words, options] of [["convert x", { to: "webui" }], ["check x y", {}]] as const) {
    const failed = await Effect.runPromise(
      Effect.flip(embeddingCommand.run(words.split(" "), options, { print: () => {} })),
    );
    assert.ok(failed instanceof UsageFault);
    assert.equal(failed.kind, "user");
  }
});
