// Does a device compute right? Case a of the golden data through the whole engine, against PyTorch's
// values in float64. Runs once for each machine, provider, precision and version of ONNX Runtime; a pass
// is remembered in the user's cache folder, a failure is tried again next time.
// The trap: the model must be the golden one whatever is trained; what is checked are the kernels.
import { readFile } from "node:fs/promises";
import { hostname, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fault } from "../../lib/fault.ts";
import type { Loader } from "../device/device.ts";
import type { Provider } from "../device/providers.ts";
import type { DType } from "../graph/graph.ts";
import { compareOutputs } from "../probe/compare.ts";
import { decodeProbeInputs } from "../probe/probe-inputs.ts";
import { probe } from "../probe/probe.ts";
import { Engine } from "../session/engine.ts";
import { writeAtomically } from "../../lib/atomic-file.ts";
import { openModel } from "../weights/model.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";
import { runtimeVersion } from "./installed-providers.ts";
import { sumError } from "./sum-check.ts";
import { checkStep, type StepCheck } from "./step-check.ts";

export class DeviceCheckFault extends fault("DeviceCheckFault", "world") {}

export interface CheckResult {
  /** The largest relative error of any output, and whose it is. */
  readonly error: number;
  readonly output: string;
  /** Of products of ten thousand terms. */
  readonly sumError: number;
  /** That was too large, and is not where products of many terms are computed in float32. */
  readonly wideSums?: boolean;
  /** A training step of a small network: how long it took, and what did not run on the device. */
  readonly step: StepCheck;
}

/** In float16 the gradients are 0.004 off even where every operation is rounded only once. */
const tolerances: Partial<Record<DType, number>> = { float32: 1e-3, float16: 0.05 };

/** What is checked, and how it is noted; another one is no pass of this. */
const form = 4;

const asset = (file: string) =>
  fileURLToPath(new URL(`../assets/self-check/${file}`, import.meta.url));

/** Throws DeviceCheckFault where numbers are wrong, or what the device throws. */
export async function selfCheck(device: Loader, compute: DType): Promise<CheckResult> {
  const model = await openModel(asset("model"));
  const file = asset("inputs.safetensors");
  const inputs = decodeProbeInputs(await readSafetensors(file), model, file);
  const engine = new Engine({ model, device, compute, plan: "A" });
  const outputs = await probe(engine, inputs);
  const tolerance = tolerances[compute] ?? 0;
  const reference = asset("expected.safetensors");
  const expected = await readSafetensors(reference);
  const lines = compareOutputs(outputs, expected, () => tolerance, reference);
  const errorOf = ({ error = Infinity }: typeof lines[number]) =>
    Number.isNaN(error) ? Infinity : error;
  const worst = lines.reduce((a, b) => errorOf(b) > errorOf(a) ? b : a);
  if (lines.some(({ outcome }) => outcome !== "ok")) {
    throw new DeviceCheckFault({
      key: "provider",
      tensor: worst.name,
      wanted:
        `the ${device.provider} device to compute within ${tolerance} of the reference in ${compute}`,
      found: `an error of ${errorOf(worst)}`,
      fix: "Update the device's driver, or choose another provider; `doctor` lists them.",
    });
  }
  return {
    error: errorOf(worst),
    output: worst.name,
    sumError: await sumError(device, compute),
    step: await checkStep(device, compute),
  };
}

/** What a check holds for; any other is checked anew. */
export interface CheckedDevice {
  readonly provider: Provider;
  readonly compute: DType;
  /** The card and its driver, as far as they are known. */
  readonly card: string;
}

/** What `check` says, unless this device has passed before; passes are kept in `folder`. */
export async function rememberedCheck(
  device: CheckedDevice,
  check: () => Promise<CheckResult>,
  folder: string,
): Promise<CheckResult> {
  const machine = [hostname(), process.platform, process.arch, release()].join(" ");
  const { provider, compute, card } = device;
  const passed = { form, machine, provider, compute, card, onnxruntime: await runtimeVersion() };
  const name = [provider, compute, card.replace(/[^\w.]+/g, "-")].filter((part) => part !== "");
  const file = join(folder, `${name.join("-").slice(0, 120)}.json`);
  const held = await readFile(file, "utf8").then(JSON.parse).catch(() => undefined);
  if (JSON.stringify(held?.passed) === JSON.stringify(passed)) return held.verdict;
  const result = await check();
  const text = JSON.stringify({ passed, verdict: result }, null, 2);
  // A cache that cannot be written costs the check again, no more.
  await writeAtomically(file, [new TextEncoder().encode(text)]).catch(() => {});
  return result;
}
