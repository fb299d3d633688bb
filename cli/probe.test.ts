// `probe` from its command line to its files: golden case c, and whatever may be wrong with a model or its
// inputs. Bad input is given together with a device that no Linux machine has, so that a fault about the
// input shows that nothing was opened before.
import assert from "node:assert/strict";
import { appendFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Result } from "effect";
import fc from "fast-check";
import { defaultTolerance, relativeError } from "../engine/probe/compare.ts";
import { decodeProbeInputs } from "../engine/probe/probe-inputs.ts";
import { checkFinite } from "../engine/weights/finite.ts";
import { openModel } from "../engine/weights/model.ts";
import {
  readSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../lib/safetensors/safetensors.ts";
import { isFault } from "../lib/fault.ts";
import { startChild } from "../runtime/testing/child.ts";
import { probeCommand } from "./probe.ts";

const golden = fileURLToPath(new URL("../tests/golden/c/", import.meta.url));
const inputs = join(golden, "inputs.safetensors");
const expected = join(golden, "expected.safetensors");
const model = join(golden, "model");
const absentDevice = { provider: process.platform === "win32" ? "cuda" : "dml" };

let folder: string;
before(async () => folder = await mkdtemp(join(tmpdir(), "gnomic-probe-")));
after(() => rm(folder, { recursive: true }));
after(() => process.exitCode = 0);

async function run(options: Record<string, unknown>) {
  const lines: string[] = [];
  process.exitCode = 0;
  const result = await Effect.runPromise(
    Effect.result(
      probeCommand.run([], { threads: 1, ...options }, { print: (line) => void lines.push(line) }),
    ),
  );
  const fault = Result.isFailure(result) ? result.failure : undefined;
  return { lines, fault, code: process.exitCode };
}

/** A copy of a file with some tensors changed. */
async function changed(
  from: string,
  to: string,
  change: (tensors: Map<string, TensorToWrite>) => void,
): Promise<string> {
  const tensors = new Map<string, TensorToWrite>(await readSafetensors(from));
  change(tensors);
  await writeSafetensors(to, tensors);
  return to;
}

const imageAlone = () =>
  changed(inputs, join(folder, "image.safetensors"), (tensors) => {
    for (const name of [...tensors.keys()]) if (name !== "image") tensors.delete(name);
  });

test("writes all outputs as float32, and says how close they are", async () => {
  const out = join(folder, "new/out.safetensors");
  const { lines, fault, code } = await run({ model, inputs, out, compare: expected });
  assert.equal(fault, undefined);
  assert.equal(code, 0);
  const [computed, reference] = [await readSafetensors(out), await readSafetensors(expected)];
  assert.deepEqual([...computed.keys()].sort(), [...reference.keys()].sort());
  for (const [name, { shape, data }] of reference) {
    const tensor = computed.get(name)!;
    assert.deepEqual([tensor.dtype, tensor.shape], ["F32", shape], name);
    const error = relativeError(tensor.data as Float32Array, data as Float32Array);
    assert.ok(error <= defaultTolerance("cpu")(name), `${name}: ${error}`);
    assert.ok(lines.some((line) => line.startsWith(`${name} `) && line.endsWith(" ok")), name);
  }
});

test("ends with 1 where the tolerance is passed, and is content with the image alone", async () => {
  const options = { model, inputs: await imageAlone(), compare: expected, plan: "C" };
  const strict = await run({ ...options, tolerance: 1e-12 });
  assert.equal(strict.code, 1);
  assert.match(strict.lines.join("\n"), /vae_mean .* 1e-12 +above/);
  assert.match(strict.lines.join("\n"), /pred .* not computed/);
  assert.equal((await run({ ...options, tolerance: 1e-3 })).code, 0);
});

test("a header that leaves the weights at odd offsets changes nothing", async () => {
  const copy = join(folder, "odd");
  await cp(model, copy, { recursive: true });
  const file = join(copy, "unet/diffusion_pytorch_model.safetensors");
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0)) + 1;
  bytes.writeBigUInt64LE(BigInt(length));
  await writeFile(
    file,
    Buffer.concat([bytes.subarray(0, 7 + length), Buffer.from(" "), bytes.subarray(7 + length)]),
  );
  const { lines, code } = await run({ model: copy, inputs, compare: expected });
  assert.equal(code, 0, lines.join("\n"));
});

test("a command line that cannot be meant is told whole", async () => {
  const { fault } = await run({ inputs, provider: "gpu", threads: 0.5, tolerance: "x", plan: "D" });
  assert.equal(fault?._tag, "UsageFault");
  for (
    const part of ["no --model", "provider gpu", "threads 0.5", "tolerance x", "plan D", "--out"]
  ) {
    assert.ok(fault?.found.includes(part), part);
  }
});

test("as a program: 0, 1 above the tolerance, 2 for bad input, each told", async () => {
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const probe = (...options: string[]) =>
    startChild(main, ["probe", "--model", model, "--inputs", image, "--threads", "1", ...options])
      .ended;
  const image = await imageAlone();
  const broken = join(folder, "broken.safetensors");
  await writeFile(broken, "no safetensors at all");
  const [good, above, bad] = await Promise.all([
    probe("--compare", expected),
    probe("--compare", expected, "--tolerance", "1e-12"),
    probe("--compare", broken),
  ]);
  assert.deepEqual([good.code, above.code, bad.code], [0, 1, 2], bad.stderr);
  assert.match(good.stdout, /^vae_decoded .* ok$/m);
  assert.match(above.stdout, /^vae_decoded .* above$/m);
  assert.match(bad.stderr, /broken\.safetensors/);
  assert.equal(good.stderr, "");
});

interface Bad {
  readonly what: string;
  /** Changes the copied model or inputs. */
  readonly spoil: (copy: { model: string; inputs: string }) => Promise<unknown>;
  readonly fault: Readonly<Record<string, string | RegExp>>;
}

const unet = "unet/diffusion_pytorch_model.safetensors";
const vae = "vae/diffusion_pytorch_model.safetensors";
const config = async (file: string, change: (json: Record<string, unknown>) => object) =>
  writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, "utf8")))));

const bad: readonly Bad[] = [
  {
    what: "weights cut short",
    spoil: (copy) => truncate(join(copy.model, unet), 40_000),
    fault: { _tag: /WeightsFileFault|ModelFault/, file: /unet/, found: /cut short/ },
  },
  {
    what: "weights with bytes too many",
    spoil: (copy) => appendFile(join(copy.model, vae), "more"),
    fault: { file: /vae/, found: /4 bytes after the last tensor/ },
  },
  {
    what: "a missing weight",
    spoil: ({ model }) =>
      changed(join(model, unet), join(model, unet), (all) => void all.delete("conv_out.bias")),
    fault: { _tag: "ModelFault", file: /unet/, tensor: "conv_out.bias", found: "no such tensor" },
  },
  {
    what: "a weight of another shape",
    spoil: ({ model }) =>
      changed(join(model, vae), join(model, vae), (all) => {
        const name = "decoder.conv_in.bias";
        const { data } = all.get(name)!;
        all.set(name, { dtype: "F32", shape: [11], data: (data as Float32Array).slice(1) });
      }),
    fault: { _tag: "ModelFault", file: /vae/, tensor: "decoder.conv_in.bias", found: /\[11\]/ },
  },
  {
    what: "a NaN among the weights",
    spoil: ({ model }) =>
      changed(join(model, vae), join(model, vae), (all) => {
        (all.get("decoder.conv_in.weight")!.data as Float32Array)[7] = NaN;
      }),
    fault: {
      _tag: "WeightsNotFinite",
      file: /vae/,
      tensor: "decoder.conv_in.weight",
      found: /value 7/,
    },
  },
  {
    what: "the UNet of SD 1.5",
    spoil: ({ model }) =>
      config(join(model, "unet/config.json"), ({ addition_embed_type: _, ...rest }) => ({
        ...rest,
        cross_attention_dim: 768,
      })),
    fault: { found: /SD 1/ },
  },
  {
    what: "the refiner",
    spoil: ({ model }) =>
      config(join(model, "unet/config.json"), (json) => ({
        ...json,
        projection_class_embeddings_input_dim: 2560,
      })),
    fault: { found: /2560/ },
  },
  {
    what: "inpainting",
    spoil: ({ model }) =>
      config(join(model, "unet/config.json"), (json) => ({ ...json, in_channels: 9 })),
    fault: { found: /inpainting/ },
  },
  {
    what: "a schedule whose parts contradict each other",
    spoil: ({ model }) =>
      config(join(model, "scheduler/scheduler_config.json"), (json) => ({
        ...json,
        trained_betas: [0.1, 0.2],
      })),
    fault: { key: "trained_betas" },
  },
  {
    what: "inputs cut short",
    spoil: (copy) => truncate(copy.inputs, 5000),
    fault: { _tag: "WeightsFileFault", file: /inputs/, found: /cut short/ },
  },
  {
    what: "no inputs",
    spoil: (copy) => rm(copy.inputs),
    fault: { _tag: "WeightsFileFault", file: /inputs/, found: "no such file" },
  },
  {
    what: "inputs that lack a tensor",
    spoil: (copy) => changed(copy.inputs, copy.inputs, (all) => void all.delete("rows2")),
    fault: { _tag: "ProbeFault", file: /inputs/, tensor: "rows2", found: "no such tensor" },
  },
  {
    what: "ids past the vocabulary and the rows",
    spoil: (copy) =>
      changed(copy.inputs, copy.inputs, (all) => {
        (all.get("ids2")!.data as BigInt64Array)[3] = 1005n;
      }),
    fault: { _tag: "ProbeFault", file: /inputs/, tensor: "ids2", found: "1005" },
  },
];

for (const [index, { what, spoil, fault: expectedFault }] of bad.entries()) {
  test(`refused before any device is opened: ${what}`, async () => {
    const own = join(folder, `bad-${index}`);
    const copy = { model: join(own, "model"), inputs: join(own, "inputs.safetensors") };
    await cp(model, copy.model, { recursive: true });
    await cp(inputs, copy.inputs);
    await spoil(copy);
    const { fault } = await run({ ...copy, ...absentDevice, out: join(folder, "none") });
    assert.equal(fault?.kind, "user", `${fault}`);
    for (const [key, value] of Object.entries(expectedFault)) {
      const found: string = `${Reflect.get(fault!, key)}`;
      if (typeof value === "string") assert.equal(found, value);
      else assert.match(found, value);
    }
  });
}

/** Bytes of a file's first part changed in up to four places. */
const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
  minLength: 1,
  maxLength: 4,
});

function flipped(bytes: Uint8Array, places: readonly (readonly [number, number])[]): Uint8Array {
  const header = bytes[8] === 0x7b
    ? 8 + Number(Buffer.from(bytes).readBigUInt64LE(0))
    : bytes.length;
  const copy = bytes.slice();
  for (const [place, value] of places) copy[Math.floor(place * (header - 1))] = value;
  return copy;
}

async function endsInFault(attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt();
  } catch (cause) {
    assert.ok(isFault(cause) && cause.kind === "user", String(cause));
  }
}

test("changed bytes in the inputs end in inputs or a fault", async () => {
  const [whole, opened] = [new Uint8Array(await readFile(inputs)), await openModel(model)];
  const file = join(folder, "flipped.safetensors");
  await fc.assert(
    fc.asyncProperty(flips, async (places) => {
      await writeFile(file, flipped(whole, places));
      await endsInFault(async () => decodeProbeInputs(await readSafetensors(file), opened, file));
    }),
    { numRuns: 100 },
  );
});

test("changed bytes in a model end in a model or a fault", async () => {
  const copy = join(folder, "flipped");
  await cp(model, copy, { recursive: true });
  const files = [
    unet,
    vae,
    "text_encoder/model.safetensors",
    "text_encoder_2/model.safetensors",
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "text_encoder_2/config.json",
    "scheduler/scheduler_config.json",
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), flips, async (name, places) => {
      const file = join(copy, name);
      const whole = await readFile(join(model, name));
      await writeFile(file, flipped(whole, places));
      await endsInFault(async () => {
        const { weights } = await openModel(copy);
        await checkFinite(Object.values(weights));
      });
      await writeFile(file, whole);
    }),
    { numRuns: 100 },
  );
});
