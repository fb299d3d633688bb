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
      "no",
    ]);
    assert.match(brackets.ComfyUI.remarks.join(), /before each bracket/);
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
