// Small files, and a hub, that ask for gigabytes, for hours or for ever: each given to the program itself in a
// process of its own, refused with exit code 2 or 3, its limit named, in at most 500 MB of memory.
// The trap: no time is asserted, as the machine may be busy; what never ends runs into the deadline.
import assert from "node:assert/strict";
import { cpSync, createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { createGzip } from "node:zlib";
import { startChild } from "../../runtime/testing/child.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { root, trainingIn } from "../end-to-end/project.ts";

const skip = process.env.GNOMIC_FAULTS === "1" ? false : "only in `deno task test:faults`";
const deadline = 180_000;
const mostBytes = 500e6;
const script = new URL("./measured-program.ts", import.meta.url).pathname;

interface Ended {
  readonly code: number | null;
  readonly text: string;
  readonly peak: number;
  readonly seconds: number;
}

async function measured(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const file = join(folder, "measured.json");
  const child = startChild(script, args, { cwd: root, env: { ...env, GNOMIC_MEASURED: file } });
  const timer = setTimeout(() => child.process.kill("SIGKILL"), deadline);
  const { code, stdout, stderr } = await child.ended;
  clearTimeout(timer);
  const text = stdout + stderr;
  assert.notEqual(code, null, `no end in ${deadline / 1000} s:\n${text}`);
  return { code, text, ...JSON.parse(readFileSync(file, "utf8")) };
}

interface Case {
  readonly name: string;
  /** Prepares it; the command's arguments. */
  readonly command: (folder: string) => readonly string[] | Promise<readonly string[]>;
  /** What names the limit. */
  readonly says: RegExp;
}

const dataset = (folder: string, set: object) => [
  ...trainingIn(folder, {
    data_loader: {
      dataset: set,
      caption_preset: "object",
      keep_original_captions: true,
      resolution: 64,
    },
  }),
  "--dry-run",
];
const photo = join(root, "sample_data", "tiny-bruce", "train", "001.jpg");

/** Bytes of one letter, written in parts. */
async function letters(path: string, count: number, head = "", tail = ""): Promise<void> {
  const file = createWriteStream(path);
  file.write(head);
  const part = Buffer.alloc(1 << 20, "a");
  for (let at = 0; at < count; at += part.length) {
    if (!file.write(part)) await once(file, "drain");
  }
  file.end(tail);
  await once(file, "close");
}

const parquet = (name: string): Case => ({
  name: `Parquet: ${name}`,
  command: (folder) => {
    const place = join(folder, "set", "data");
    mkdirSync(place, { recursive: true });
    cpSync(join(root, "tests/corpus/parquet", `${name}.parquet`), join(place, "train.parquet"));
    return dataset(folder, {
      type: "HF_HUB_IMAGE_CAPTION_DATASET",
      dataset_name: join(folder, "set"),
      image_column: "text",
      caption_column: "text",
    });
  },
  says: /at most (the )?\d+/,
});

const model = (name: string, file: string, content: () => string, says: RegExp): Case => ({
  name,
  command: (folder) => {
    cpSync(join(root, "sample_data/tiny-sdxl"), join(folder, "model"), { recursive: true });
    // A tokenizer's own files would be taken in place of tokenizer.json.
    for (const own of ["vocab.json", "merges.txt"]) {
      if (file.startsWith("tokenizer/")) rmSync(join(folder, "model", "tokenizer", own));
    }
    writeFileSync(join(folder, "model", file), content());
    return [...trainingIn(folder, { model: join(folder, "model") }), "--dry-run"];
  },
  says,
});

const modelFile = (file: string) =>
  JSON.parse(readFileSync(join(root, "sample_data/tiny-sdxl", file), "utf8"));
const many = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("");

const yaml = (name: string, text: string, says: RegExp): Case => ({
  name: `YAML: ${name}`,
  command: (folder) => {
    const [pipeline, which, ...rest] = trainingIn(folder);
    writeFileSync(join(folder, "over.yaml"), text);
    return [pipeline, which, "--config", join(folder, "over.yaml"), ...rest, "--dry-run"];
  },
  says,
});

const bpe = (over: object) => () =>
  JSON.stringify({
    model: { type: "BPE", vocab: { a: 0 }, merges: [] },
    added_tokens: [],
    pre_tokenizer: null,
    ...over,
  });

const cases: readonly Case[] = [
  parquet("parquet-brotli-bomb"),
  parquet("parquet-null-bomb"),
  parquet("parquet-rle-bomb"),
  {
    name: "a caption of 200 MB",
    command: async (folder) => {
      mkdirSync(join(folder, "set"));
      cpSync(photo, join(folder, "set", "a.jpg"));
      await letters(join(folder, "set", "a.txt"), 200e6);
      return dataset(folder, {
        type: "IMAGE_CAPTION_DIR_DATASET",
        dataset_dir: join(folder, "set"),
      });
    },
    says: /a\.txt.*at most|at most.*a\.txt/,
  },
  {
    name: "a JSON line of 200 MB",
    command: async (folder) => {
      await letters(join(folder, "a.jsonl"), 200e6, '{"image":"a.jpg","text":"', '"}\n');
      return dataset(folder, {
        type: "IMAGE_CAPTION_JSONL_DATASET",
        jsonl_path: join(folder, "a.jsonl"),
      });
    },
    says: /a\.jsonl.*at most/,
  },
  {
    name: "a CSV field of 200 MB",
    command: async (folder) => {
      mkdirSync(join(folder, "set"));
      cpSync(photo, join(folder, "set", "a.jpg"));
      await letters(join(folder, "set", "metadata.csv"), 200e6, "file_name,text\na.jpg,", "\n");
      return dataset(folder, {
        type: "HF_HUB_IMAGE_CAPTION_DATASET",
        dataset_name: join(folder, "set"),
      });
    },
    says: /metadata\.csv.*at most/,
  },
  model(
    "a UNet of 4000 levels",
    "unet/config.json",
    () =>
      JSON.stringify({
        ...modelFile("unet/config.json"),
        block_out_channels: Array(4000).fill(32),
      }),
    /at most 16/,
  ),
  model(
    "a model's configuration nested without end",
    "vae/config.json",
    () => `{"block_out_channels":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    /block_out_channels|nest|deep/,
  ),
  model(
    "a scheduler with an object as a class",
    "scheduler/scheduler_config.json",
    () =>
      JSON.stringify({
        ...modelFile("scheduler/scheduler_config.json"),
        _class_name: [{ toString: 1 }],
      }),
    /_class_name/,
  ),
  model(
    "a tokenizer whose pattern never ends",
    "tokenizer/tokenizer.json",
    bpe({ pre_tokenizer: { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated" } }),
    /regular expression/,
  ),
  model(
    "a tokenizer of 200 000 added tokens",
    "tokenizer/tokenizer.json",
    bpe({
      added_tokens: Array.from({ length: 200_000 }, (_, i) => ({ id: i + 1, content: `x${i}` })),
    }),
    /limit of 10000/,
  ),
  yaml("aliases", `x-a: &a 1\nx-b: [${"*a,".repeat(80_000)}]`, /limit|at most|more values|KiB/),
  yaml(
    "aliases of aliases",
    many(30, (i) => i === 0 ? "x-0: &a0 [1,1]\n" : `x-${i}: &a${i} [*a${i - 1},*a${i - 1}]\n`),
    /more values/,
  ),
  yaml("unknown keys", many(20_000, (i) => `k${i}: 1\n`), /more values|the first 50/),
  yaml("brackets", `x-a: ${"[".repeat(60_000)}`, /deeper nesting/),
  yaml("a file of 100 MB", `x-a: "${"a".repeat(100e6)}"`, /at most 262144 bytes/),
  {
    name: "a sweep of aliases",
    command: (folder) => {
      writeFileSync(join(folder, "a.yaml"), `sweep: a\nx: &a 1\ny: [${"*a,".repeat(80_000)}]\n`);
      return ["sweep", "run", join(folder, "a.yaml"), "--output", folder];
    },
    says: /more values/,
  },
  {
    name: "a pipeline of aliases",
    command: (folder) => {
      writeFileSync(join(folder, "a.yaml"), `x: &a 1\nstages: [${"*a,".repeat(80_000)}]\n`);
      return ["pipeline", join(folder, "a.yaml"), "--dry-run"];
    },
    says: /more values/,
  },
  ...[
    ["says that it has 2^50 bytes", 2n ** 50n, ""],
    ["is 90 MB long", 90_000_000n, "{".padEnd(90_000_000)],
    ["is nested without end", 200_000n, `{"a":${"[".repeat(199_995)}`],
  ].map(([name, length, header]): Case => ({
    name: `a safetensors file whose header ${name}`,
    command: (folder) => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(length as bigint);
      writeFileSync(join(folder, "a.safetensors"), Buffer.concat([size, Buffer.from(`${header}`)]));
      return ["embedding", "check", join(folder, "a.safetensors")];
    },
    says: /header/,
  })),
  {
    name: "an archive of a run whose entry has 2^40 bytes",
    command: (folder) => {
      const head = Buffer.alloc(1024);
      head.write("run/run.json");
      head.write("0000644\0", 100);
      head.write("0000000\0".repeat(2), 108);
      head[124] = 0x80;
      head.writeBigUInt64BE(2n ** 40n, 128);
      head.write("00000000000\0", 136);
      head.write("        0", 148);
      head.write("ustar\x0000", 257);
      const sum = head.subarray(0, 512).reduce((all, byte) => all + byte, 0);
      head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      writeFileSync(join(folder, "a.tar"), head);
      return ["runs", "import", join(folder, "a.tar"), "--output", folder];
    },
    says: /a\.tar/,
  },
  {
    name: "an option path of 30 000 parts",
    command: (folder) => [
      ...trainingIn(folder),
      "--dry-run",
      "--set",
      `${"a.".repeat(30_000)}b=1`,
    ],
    says: /at most 32/,
  },
];

for (const { name, command, says } of cases) {
  test(
    `${name}: refused, and its limit named`,
    { skip },
    () =>
      withTemporaryFolder(async (folder) => {
        const { code, text, peak, seconds } = await measured(folder, await command(folder));
        if (process.env.GNOMIC_SHOW) {
          console.log(name, code, seconds, peak / 1e6, text.slice(0, 300));
        }
        assert.ok(code === 2 || code === 3, `${code}\n${text.slice(0, 2000)}`);
        assert.match(text, says);
        assert.ok(text.length < 20_000, `${text.length} letters are said`);
        assert.ok(peak <= mostBytes, `${peak / 1e6} MB`);
      }),
  );
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const endless = (response: ServerResponse | ReturnType<typeof createGzip>) => {
  const part = Buffer.alloc(1 << 20, " ");
  const more = () => {
    while (!response.destroyed && response.write(part));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};

const page = JSON.stringify(
  Array.from({ length: 1000 }, (_, i) => ({
    type: "directory",
    path: `d${i}`,
    oid: "0".repeat(40),
    size: 0,
  })),
);
const commit = JSON.stringify({ sha: "a".repeat(40), siblings: [] });

const hubs: Readonly<Record<string, Answer>> = {
  "an answer without end": (_, response) => endless(response),
  "a compressed answer without end": (_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    const packed = createGzip();
    packed.pipe(response);
    response.on("close", () => packed.destroy());
    endless(packed);
  },
  "a listing without end": ({ url = "", headers }, response) => {
    if (!url.includes("/tree/")) return void response.end(commit);
    const next = `http://${headers.host}${url.split("?")[0]}?cursor=${Math.random()}`;
    response.writeHead(200, { link: `<${next}>; rel="next"` }).end(page);
  },
};

for (const [name, answer] of Object.entries(hubs)) {
  test(
    `${name} of a hub: refused, and its limit named`,
    { skip },
    () =>
      withTemporaryFolder(async (folder) => {
        const server = createServer(answer);
        await once(server.listen(0, "127.0.0.1"), "listening");
        const { port } = server.address() as AddressInfo;
        try {
          const args = trainingIn(folder, { model: "somebody/a-model" });
          const { code, text, peak, seconds } = await measured(folder, args, {
            HF_ENDPOINT: `http://127.0.0.1:${port}`,
            HF_HOME: join(folder, "cache"),
            NO_PROXY: "127.0.0.1",
          });
          if (process.env.GNOMIC_SHOW) {
            console.log(name, code, seconds, peak / 1e6, text.slice(0, 300));
          }
          assert.ok(code === 2 || code === 3, `${code}\n${text}`);
          assert.match(text, /at most (32 MiB|100000 files)/);
          assert.ok(peak <= mostBytes, `${peak / 1e6} MB`);
        } finally {
          server.closeAllConnections();
          server.close();
        }
      }),
  );
}
