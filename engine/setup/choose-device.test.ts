// The choice of a device: a card that computes wrongly is refused, a slow one is not taken, and what has
// passed is remembered.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DeviceFault, faultOf } from "../device/device-fault.ts";
import { Device, type Loader } from "../device/device.ts";
import type { Fetches, Placed } from "../device/messages.ts";
import type { Provider } from "../device/providers.ts";
import { chooseDevice, type DeviceSurvey, type DeviceWish } from "./choose-device.ts";
import type { Card as GraphicsCard } from "../memory/cards.ts";
import { listProviders } from "./installed-providers.ts";
import { thisMachine } from "./machine.ts";
import { DeviceCheckFault, selfCheck } from "./self-check.ts";

const folder = await mkdtemp(join(tmpdir(), "gnomic-devices-"));
after(() => rm(folder, { recursive: true }));

/** How a card's check ends: at so many operations a second, or not. */
type Card = number | Error | ((compute: string) => number | Error);

/** A step of 1e11 operations. */
const stepAt = (rate: number, elsewhere: readonly Placed[]) => ({
  seconds: 1e11 / rate,
  flops: rate,
  perByte: 0,
  launch: 0,
  elsewhere,
});

let next = 0;
/** A machine with these cards besides its CPU, and a memory of its own. */
function machine(
  cards: Partial<Record<Provider, Card>>,
  graphics: readonly GraphicsCard[] = [],
  strays: Partial<Record<Provider, readonly Placed[]>> = {},
) {
  const checked: string[] = [];
  const survey: DeviceSurvey = {
    list: () =>
      Promise.resolve([...Object.keys(cards), "cpu"].map((provider) => ({
        provider: provider as Provider,
        ready: provider !== "dml",
      }))),
    open: ({ provider }) => ({
      provider,
      load: () => Promise.reject(new Error("not in this test")),
      close: () => Promise.resolve(),
    }),
    check: ({ provider }, compute) => {
      checked.push(`${provider} ${compute}`);
      const card = cards[provider] ?? 3e11;
      const rate = typeof card === "function" ? card(compute) : card;
      return typeof rate === "number"
        ? Promise.resolve({
          error: 1e-6,
          output: "pred",
          sumError: 1e-6,
          step: stepAt(rate, strays[provider] ?? []),
        })
        : Promise.reject(rate);
    },
    cards: () => Promise.resolve(graphics),
    machine: thisMachine,
    folder: join(folder, `${next++}`),
  };
  return { survey, checked };
}

const noAdapter = faultOf("webgpu", "Failed to get a WebGPU adapter");
const noHalf = faultOf("webgpu", "requires f16 but the device does not support it");
const wish: DeviceWish = { provider: "auto", threads: 1, compute: "float32" };

test("auto: a slow card is not taken, one without an adapter is left out, both are said", async () => {
  const { survey, checked } = machine({ webgpu: noAdapter, cuda: 1e9, dml: 9e12 });
  const choice = await chooseDevice(wish, survey);
  assert.deepEqual([choice.provider, choice.compute], ["cpu", "float32"]);
  assert.match(choice.note, /^auto: cpu .*not usable here: webgpu/);
  assert.ok(!checked.includes("dml float32"), "what is not ready is not tried");
});

test("auto takes a card that is faster than the CPU; what passed is not checked again", async () => {
  const { survey, checked } = machine({ webgpu: 2e13 });
  const choice = await chooseDevice(wish, survey);
  assert.equal(choice.provider, "webgpu");
  assert.match(choice.note, /step in 0\.0050 s/);
  assert.deepEqual(checked, ["webgpu float32", "cpu float32"]);
  assert.deepEqual(await chooseDevice(wish, survey), choice);
  assert.equal(checked.length, 2);

  const file = join(survey.folder, "webgpu-float32.json");
  const record = await readFile(file, "utf8");
  await writeFile(file, record.replace(/"onnxruntime": "/, "$&0."));
  await chooseDevice(wish, survey);
  assert.deepEqual(checked.slice(2), ["webgpu float32"], "another version is checked again");
  await writeFile(file, record.slice(0, 40));
  await chooseDevice(wish, survey);
  assert.equal(checked.length, 4, "a broken record is checked again");
});

test("auto without any card is the CPU, and nothing is checked", async () => {
  const { survey, checked } = machine({});
  assert.equal((await chooseDevice(wish, survey)).provider, "cpu");
  assert.deepEqual(checked, []);
});

test("a card that cannot do float16 computes in float32, and that is said", async () => {
  const { survey } = machine({ webgpu: (compute) => compute === "float16" ? noHalf : 1e12 });
  const choice = await chooseDevice({ ...wish, provider: "webgpu", compute: "float16" }, survey);
  assert.equal(choice.compute, "float32");
  assert.match(choice.note, /cannot do float16/);
});

test("a device that is asked for and does not work is refused with its reason, each time", async () => {
  const { survey, checked } = machine({ webgpu: noAdapter });
  for (const count of [1, 2]) {
    await assert.rejects(chooseDevice({ ...wish, provider: "webgpu" }, survey), (error) => {
      assert.ok(error instanceof DeviceFault);
      assert.match(error.found, /adapter/);
      return true;
    });
    assert.equal(checked.length, count);
  }
});

test("the self-check passes the CPU and refuses a device that leaves out a piece", async () => {
  const real = new Device({ provider: "cpu", threads: 2, mapWeights: true });
  /** As a kernel that leaves out the last tenth of a large tensor. */
  const wrong = (results: Fetches): Fetches =>
    Object.fromEntries(
      Object.entries(results).map(([name, value]) => {
        const data = value.data.map((x, i) => i > 0.9 * value.data.length ? 0 : x);
        return [name, name === "prediction" ? { ...value, data } : value];
      }),
    );
  const card: Loader = {
    provider: "webgpu",
    async load(graph) {
      const session = await real.load(graph);
      return { ...session, run: async (feeds) => wrong(await session.run(feeds)) };
    },
    close: () => Promise.resolve(),
  };
  const { error, step } = await selfCheck(real, "float32");
  assert.ok(error < 2e-5 && step.flops > 1e9 && step.seconds > 0);
  await assert.rejects(selfCheck(card, "float32"), (fault) => {
    assert.ok(fault instanceof DeviceCheckFault);
    assert.match(fault.wanted, /webgpu device/);
    assert.match(fault.tensor!, /pred/);
    return true;
  });
  await real.close();
});

test("this platform's list ends with the CPU, which is ready", async () => {
  assert.deepEqual((await listProviders()).at(-1), { provider: "cpu", ready: true });
});

test("auto leaves out what puts parts of a step on the processor; by name it is used, and said", async () => {
  const strays = {
    cuda: [{ op: "LayerNormalization", provider: "CPUExecutionProvider", count: 640 }],
  };
  const { survey } = machine({ cuda: 9e13, webgpu: 1e13 }, [], strays);
  const choice = await chooseDevice(wish, survey);
  assert.equal(choice.provider, "webgpu");
  assert.match(choice.note, /left out.*cuda/);
  const named = await chooseDevice({ ...wish, provider: "cuda" }, survey);
  assert.match(named.note, /640 nodes of a training step \(LayerNormalization\)/);
});

const rtx = (name: string, driver: string): GraphicsCard => ({
  ...{ index: 0, name, vendor: "nvidia", driver, total: 2 ** 34, computeCapability: 8.9 },
});

test("a card is chosen by name, and refused with the list where it is not there", async () => {
  const { survey, checked } = machine({ cuda: 1e13 }, [
    rtx("RTX 4080", "580"),
    rtx("RTX 4090", "580"),
  ]);
  const choice = await chooseDevice({ ...wish, provider: "cuda", device: "4090" }, survey);
  assert.deepEqual([choice.settings.deviceId, choice.card?.name], [1, "RTX 4090"]);
  for (const provider of ["cuda", "auto"] as const) {
    await assert.rejects(
      chooseDevice({ ...wish, provider, device: 7 }, survey),
      /0: RTX 4080, 1: RTX 4090/,
    );
  }
  assert.equal(checked.length, 1);
});

test("what passed is checked again under another driver, and on another card", async () => {
  const first = machine({ cuda: 1e13 }, [rtx("RTX 4090", "580.1")]);
  const counted = async (cards: readonly GraphicsCard[]) => {
    const survey = { ...first.survey, cards: () => Promise.resolve(cards) };
    await chooseDevice({ ...wish, provider: "cuda" }, survey);
    return first.checked.length;
  };
  const old = [rtx("RTX 4090", "580.1")];
  assert.deepEqual([await counted(old), await counted(old)], [1, 1]);
  assert.equal(await counted([rtx("RTX 4090", "581.0")]), 2);
  assert.equal(await counted([rtx("RTX 5090", "581.0")]), 3);
});

test("a card whose float16 sums are too coarse computes products in float32; that is said and remembered", async () => {
  const { survey } = machine({ webgpu: 1e13 });
  const attempts: (boolean | undefined)[] = [];
  const narrow = (wideError: number): DeviceSurvey => ({
    ...survey,
    open: (settings) => {
      attempts.push(settings.wideSums);
      return survey.open(settings);
    },
    check: async (device, compute) => ({
      ...await survey.check(device, compute),
      sumError: compute === "float32" ? 1e-6 : attempts.at(-1) === true ? wideError : 0.13,
    }),
  });
  const half = { ...wish, provider: "webgpu", compute: "float16" } as const;
  const refused = await chooseDevice(half, narrow(0.01));
  assert.deepEqual([refused.compute, attempts], ["float32", [false, true, false]]);
  const choice = await chooseDevice(half, narrow(3e-4));
  assert.deepEqual([choice.compute, choice.settings.wideSums], ["float16", true]);
  assert.match(
    choice.note,
    /too coarse, so products of more than \d+ terms are computed in float32/,
  );
  const count = attempts.length;
  assert.deepEqual(await chooseDevice(half, narrow(3e-4)), choice);
  assert.equal(attempts.length, count);
});
