import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { StoredDType } from "../../lib/safetensors/dtype.ts";
import { writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { checkEmbedding } from "./check-embedding.ts";
import { type Client, clients } from "./clients.ts";
import { reportText } from "./report-text.ts";

interface Case {
  readonly case: string;
  readonly tensors: [name: string, dtype: StoredDType, shape: number[]][];
}
type Recorded = Case & Record<Client, [clip_l: number, clip_g: number] | null>;

const fixture = new URL("./fixtures/clients.json", import.meta.url);
const { cases }: { cases: Recorded[] } = JSON.parse(await readFile(fixture, "utf8"));

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gnomic-embedding-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function write(path: string, tensors: Case["tensors"], value = 0.5): Promise<string> {
  await writeSafetensors(
    path,
    new Map(tensors.map(([name, dtype, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
      return [name, { dtype, shape, data }];
    })),
  );
  return path;
}

const canonical = (n: number): Case["tensors"] => [
  ["clip_l", "F32", [n, 768]],
  ["clip_g", "F32", [n, 1280]],
];

for (const recorded of cases) {
  test(`rows that reach the model as recorded from the clients: ${recorded.case}`, () => {
    const tensors = recorded.tensors.map(([name, , shape]) => ({ name, shape }));
    for (const client of Object.keys(clients) as Client[]) {
      const reach = clients[client](tensors);
      const rows = "refused" in reach ? null : [reach.clip_l, reach.clip_g];
      assert.deepEqual(rows, recorded[client], client);
    }
  });
}

interface Named extends Case {
  readonly file: string;
  readonly ComfyUI: { readonly rows: [number, number]; readonly warns: boolean } | null;
  readonly "A1111/Forge": "typed" | "escaped" | "never found" | "not registered" | "fails";
  readonly diffusers: readonly [clip_l: boolean, clip_g: boolean];
}
const namedFixture = new URL("./fixtures/client-names.json", import.meta.url);
const named: { cases: Named[] } = JSON.parse(await readFile(namedFixture, "utf8"));

/** As people escape a name: a backslash before each bracket and backslash. */
const escapedName = (stem: string) => stem.replace(/[\\()[\]]/g, (special) => `\\${special}`);

test("each file as the clients' own code took it: loads, is found as typed or escaped, or fails", () =>
  inFolder(async (folder) => {
    for (const recorded of named.cases) {
      // Rows of [0, width] and three dimensions are refused before any client is asked.
      if (recorded.tensors.some(([, , shape]) => shape.length > 2 || shape.includes(0))) continue;
      const path = join(folder, recorded.file);
      // No client goes by the type.
      const tensors = recorded.tensors.map(([name, , shape]): Case["tensors"][number] => [
        name,
        "F32",
        shape,
      ]);
      const { clientResults, vectors } = await checkEmbedding(await write(path, tensors, 0.01));
      await rm(path);
      const of = (client: Client) => clientResults.find((result) => result.client === client)!;
      const stem = recorded.file.replace(/\.safetensors$/i, "");
      const about = `${recorded.case} ${recorded.file}`;

      const web = of("A1111/Forge");
      // Registered or found says nothing of its use: more than a chunk's tokens then fail.
      const expected = vectors > 75 ? "fails" : recorded["A1111/Forge"];
      assert.equal(web.loads !== "no", ["typed", "escaped"].includes(expected), about);
      if (web.loads !== "no") {
        assert.equal(web.trigger, expected === "typed" ? stem : escapedName(stem), about);
      }

      assert.equal(of("diffusers").loads !== "no", recorded.diffusers.some(Boolean), about);

      const comfy = of("ComfyUI");
      const rows = recorded.ComfyUI?.rows ?? [0, 0];
      if (/[()]/.test(stem)) {
        assert.deepEqual(rows, [0, 0], "as it stands it is not found");
        assert.equal(comfy.trigger, `embedding:${escapedName(stem)}`);
      } else if (recorded.ComfyUI === null || rows.every((count) => count === 0)) {
        assert.equal(comfy.loads, "no", about);
      } else if (recorded.ComfyUI.warns) {
        assert.notEqual(comfy.loads, "yes", `${about}: rows of a width are dropped`);
      } else {
        assert.notEqual(comfy.loads, "no", about);
        assert.equal(comfy.trigger, `embedding:${stem}`, about);
      }
    }
  }));

test("what makes InvokeAI fail: another kind's tensor beside the pair, and the ending in capitals", () =>
  inFolder(async (folder) => {
    const invoke = async (name: string, tensors: Case["tensors"]) =>
      (await checkEmbedding(await write(join(folder, name), tensors))).clientResults[0];
    const extra = await invoke("x_gnome.safetensors", [
      ...canonical(4),
      ["emb_params", "F32", [4, 1280]],
    ]);
    assert.equal(extra.loads, "no");
    assert.match(extra.remarks.join(), /emb_params/);
    assert.equal((await invoke("x_gnome.SAFETENSORS", canonical(4))).loads, "no");
    assert.equal((await invoke("x_gnome.safetensors", canonical(4))).loads, "yes");
  }));

test("a file for a toy says so first, and nothing else of programs", () =>
  inFolder(async (folder) => {
    const path = await write(join(folder, "x_gnome.safetensors"), [
      ["clip_l", "F32", [4, 32]],
      ["clip_g", "F32", [4, 40]],
    ]);
    const report = await checkEmbedding(path);
    assert.deepEqual(report.foreignWidths, [32, 40]);
    const [, first] = reportText(report);
    assert.match(first, /for a model whose text encoders are 32 and 40 wide/);
    assert.doesNotMatch(reportText(report).join("\n"), /InvokeAI|ComfyUI/);
    const real = await checkEmbedding(await write(path, canonical(4)));
    assert.equal(real.foreignWidths, null);
  }));

test("where each program takes the pooled text, and for which place the file was trained", () =>
  inFolder(async (folder) => {
    const trained = async (pooling: string | null) => {
      const path = join(folder, "x_gnome.safetensors");
      const configuration: Record<string, string> = pooling === null
        ? {}
        : { "gnomic.configuration": JSON.stringify({ pooling }) };
      const data = (width: number) => new Float32Array(4 * width).fill(0.1);
      await writeSafetensors(
        path,
        new Map(([["clip_l", 768], ["clip_g", 1280]] as const).map(([name, width]) => [
          name,
          { dtype: "F32", shape: [4, width], data: data(width) },
        ])),
        configuration,
      );
      return await checkEmbedding(path);
    };
    const mixed = await trained("mixed");
    assert.equal(mixed.trainedPooling, "mixed");
    assert.deepEqual(
      mixed.clientResults.map(({ pooling }) => pooling),
      ["argmax", "end_token", "end_token", "argmax"],
    );
    const text = reportText(mixed).join("\n");
    assert.match(text, /trained with the pooled text at both places/);
    assert.match(text, /type <x_gnome>; pools at the placeholder/);
    assert.match(text, /type embedding:x_gnome; pools at the end token/);
    const end = await trained("end_token");
    assert.match(end.clientResults[0].remarks.join(), /worse than the word's/);
    assert.deepEqual([end.clientResults[0].loads, end.clientResults[1].remarks], ["yes", []]);
    assert.equal((await trained("auto")).trainedPooling, "argmax", "before there was a mixture");
    assert.equal((await trained(null)).trainedPooling, null);
  }));

test("what a file was made out of, and nothing where that is no list", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x_gnome.safetensors");
    const linesOf = async (metadata: Record<string, string>) => {
      const half = { dtype: "F32" as const, shape: [2, 8], data: new Float32Array(16).fill(0.1) };
      await writeSafetensors(path, new Map([["clip_l", half], ["clip_g", half]]), metadata);
      return reportText(await checkEmbedding(path)).filter((line) => /mean of|left of/.test(line));
    };
    assert.deepEqual(await linesOf({ "gnomic.averaged": '["a","b","c"]' }), [
      "  the mean of 3 files",
    ]);
    assert.deepEqual(await linesOf({ "gnomic.pruned": '{"from":4,"kept":[0,3]}' }), [
      "  what is left of 4 vectors",
    ]);
    assert.deepEqual(await linesOf({ "gnomic.pruned": "[", "gnomic.averaged": "7" }), []);
  }));

test("a file of ours: loads everywhere but in diffusers, with the word to type", () =>
  inFolder(async (folder) => {
    const report = await checkEmbedding(
      await write(join(folder, "bruce_gnome.safetensors"), canonical(4)),
    );
    assert.deepEqual(
      report.clientResults.map(({ client, loads, trigger }) => [client, loads, trigger]),
      [
        ["InvokeAI", "yes", "<bruce_gnome>"],
        ["ComfyUI", "yes", "embedding:bruce_gnome"],
        ["A1111/Forge", "yes", "bruce_gnome"],
        ["diffusers", "no", undefined],
      ],
    );
    assert.match(report.clientResults[3].remarks.join(), /embedding convert/);
    assert.deepEqual([report.vectors, report.promptTokens, report.values], [4, 75, []]);
    const text = reportText(report).join("\n");
    for (const part of ["clip_l F32 [4, 768]", "4 of a prompt's 75", "type <bruce_gnome>"]) {
      assert.ok(text.includes(part), part);
    }
  }));

test("broken in a way a client swallows: partly, and why", () =>
  inFolder(async (folder) => {
    const cases: [Case["tensors"], Client, string, RegExp][] = [
      [
        [["clip_l", "F32", [2, 768]], ["clip_g", "F32", [4, 1280]]],
        "A1111/Forge",
        "partly",
        /2 and 4 rows/,
      ],
      [[["clip_l", "F32", [4, 768]]], "ComfyUI", "partly", /only the first/],
      [[["clip_g", "F32", [4, 1280]]], "ComfyUI", "partly", /only the second/],
      [
        [["clip_l", "F32", [768]], ["clip_g", "F32", [1280]]],
        "InvokeAI",
        "no",
        /\[vectors, 768\].*\[768\]/,
      ],
      [[["clip_l", "F32", [4, 32]], ["clip_g", "F32", [4, 40]]], "ComfyUI", "no", /widths/],
      [canonical(76), "InvokeAI", "partly", /76 vectors/],
      [[["gnome_x", "F32", [4, 1280]]], "diffusers", "yes", /half for text_encoder_2/],
    ];
    for (const [tensors, client, loads, why] of cases) {
      const path = await write(join(folder, "x_gnome.safetensors"), tensors);
      const clientResult = (await checkEmbedding(path)).clientResults.find((v) =>
        v.client === client
      )!;
      assert.equal(clientResult.loads, loads, client);
      assert.match(clientResult.remarks.join("; "), why);
    }
  }));

test("diffusers: an embedding is called as its tensor, and only what can be is said to be convertible", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x_gnome.safetensors");
    const diffusers = async (tensors: Case["tensors"]) =>
      (await checkEmbedding(await write(path, tensors))).clientResults.find(({ client }) =>
        client === "diffusers"
      )!;
    // As recorded from load_textual_inversion of diffusers 0.42.1.
    for (const name of ["clip_g", "emb_params", "<x>"]) {
      assert.equal((await diffusers([[name, "F32", [2, 1280]]])).trigger, name);
    }
    assert.match((await diffusers(canonical(2))).remarks.join(), /convert/);
    const foreign = await diffusers([["emb_params", "F32", [2, 1024]]]);
    assert.deepEqual([foreign.loads, /convert/.test(foreign.remarks.join())], ["no", false]);
  }));

test("a file of another ending is a pickle to those who go by it", () =>
  inFolder(async (folder) => {
    const { clientResults } = await checkEmbedding(
      await write(join(folder, "x_gnome.pt"), canonical(2)),
    );
    for (const { client, loads, remarks } of clientResults) {
      assert.equal(loads, "no");
      assert.equal(/ends in \.safetensors/.test(remarks.join()), client !== "diffusers");
    }
  }));

test("names that a prompt can't say, and words that mean something already", () =>
  inFolder(async (folder) => {
    const of = async (stem: string) => {
      const { clientResults } = await checkEmbedding(
        await write(join(folder, `${stem}.safetensors`), canonical(1)),
      );
      return Object.fromEntries(
        clientResults.map((clientResult) => [clientResult.client, clientResult]),
      );
    };
    const spaced = await of("my gnome");
    assert.equal(spaced.InvokeAI.trigger, "<my gnome>");
    assert.equal(spaced.ComfyUI.loads, "no");
    assert.match(spaced.ComfyUI.remarks.join(), /white space/);
    const brackets = await of("gnome(2)");
    assert.deepEqual(["InvokeAI", "ComfyUI", "A1111/Forge"].map((c) => brackets[c].loads), [
      "no",
      "yes",
      "yes",
    ]);
    assert.equal(brackets.ComfyUI.trigger, "embedding:gnome\\(2\\)");
    assert.equal((await of("a BREAK b"))["A1111/Forge"].loads, "no");
    assert.equal((await of("BREAKER_x"))["A1111/Forge"].loads, "yes");
    assert.match((await of("Gnome"))["A1111/Forge"].remarks.join(), /ordinary word/);
    assert.deepEqual((await of("gnomish_x"))["A1111/Forge"].remarks, []);

    // In CLIP's vocabulary `absol` is a piece of words and no word, `gnome` a word and no piece.
    for (const [token, loads] of [["absol", "no"], ["gnome", "yes"], ["gnome_x", "yes"]] as const) {
      const path = await write(join(folder, "learned_embeds.safetensors"), [[token, "F32", [
        2,
        768,
      ]]]);
      const clientResult = (await checkEmbedding(path)).clientResults.find((v) =>
        v.client === "diffusers"
      )!;
      assert.equal(clientResult.loads, loads);
    }
  }));

test("values: zeros and what is not finite are named by row", () =>
  inFolder(async (folder) => {
    const data = new Float32Array(2 * 768).fill(0.1);
    data[768 + 5] = NaN;
    const path = join(folder, "x.safetensors");
    await writeSafetensors(
      path,
      new Map(
        [
          ["clip_l", { dtype: "F16", shape: [2, 768], data }],
          ["clip_g", {
            dtype: "F16",
            shape: [2, 1280],
            data: new Float32Array(2 * 1280).fill(0, 0).fill(1, 1280),
          }],
        ] as const,
      ),
    );
    const { values } = await checkEmbedding(path);
    assert.equal(values.length, 2);
    assert.match(values.find((remark) => remark.includes("clip_l"))!, /row 1 has NaN/);
    assert.match(
      values.find((remark) => remark.includes("clip_g"))!,
      /row 0 has nothing but zeros/,
    );
  }));

test("what a tool keeps beside both encoders' rows is not looked at", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x_gnome.safetensors");
    const report = await checkEmbedding(await write(path, [...canonical(2), ["step", "F32", []]]));
    assert.deepEqual(report.tensors.map(({ name }) => name).toSorted(), ["clip_g", "clip_l"]);
    assert.equal(report.clientResults[0].loads, "yes");
    await assert.rejects(
      checkEmbedding(await write(path, [["x", "F32", [2, 768]], ["step", "F32", []]])),
    );
    await assert.rejects(
      checkEmbedding(
        await write(path, [["clip_l", "F32", [1, 2, 768]], ["clip_g", "F32", [2, 1280]]]),
      ),
      /clip_l.*\[1,2,768\]/,
    );
  }));

test("values of many rows make one line, and those that no client takes none", () =>
  inFolder(async (folder) => {
    const tensors: Case["tensors"] = [...canonical(9), ["clip_l_out", "F32", [9, 768]]];
    const path = await write(join(folder, "x_gnome.safetensors"), tensors, 0);
    const { values } = await checkEmbedding(path);
    assert.equal(values.length, 2);
    assert.match(values[1], /^clip_l rows 0, 1, 2, 3 and 5 more have nothing but zeros/);
  }));

test("what is no embedding is refused, each for its reason", () =>
  inFolder(async (folder) => {
    const file = (name: string) => join(folder, name);
    await writeFile(
      file("old.pt"),
      new Uint8Array([0x80, 2, 0x7d, 0x71, 0, 0x58, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    );
    await writeFile(file("cut.safetensors"), "short");
    await write(file("lora.safetensors"), [["lora_unet_x.lora_up.weight", "F32", [4, 4, 1, 1]]]);
    await write(file("ids.safetensors"), [["clip_l", "F32", [0, 768]]]);
    const cases: [string, RegExp][] = [
      ["old.pt", /pickle/i],
      ["cut.safetensors", /too few/],
      ["none.safetensors", /no such file/],
      ["lora.safetensors", /lora_unet_x.*\[4,4,1,1\].*LoRA/],
      ["ids.safetensors", /\[0,768\]/],
    ];
    for (const [name, message] of cases) await assert.rejects(checkEmbedding(file(name)), message);
    const model = new URL(
      "../../sample_data/tiny-sdxl/unet/diffusion_pytorch_model.safetensors",
      import.meta.url,
    );
    await assert.rejects(
      checkEmbedding(fileURLToPath(model)),
      /a model, a LoRA or a VAE/,
    );
  }));
