// Which device computes, and in what precision. `auto` takes the fastest of those that compute right; a
// device that is asked for by name is used or refused, never replaced.
// The trap: the CPU computes in float32 whatever the weights are stored in; half precision there would
// be slower and less exact.
import { availableParallelism } from "node:os";
import { isFault } from "../../lib/fault.ts";
import { userCache } from "../../lib/user-cache.ts";
import { Device, type DeviceSettings, type Loader } from "../device/device.ts";
import type { Provider } from "../device/messages.ts";
import type { DType } from "../graph/graph.ts";
import { type ListedProvider, listProviders } from "./providers.ts";
import { type CheckResult, rememberedCheck, selfCheck } from "./self-check.ts";

export interface DeviceWish {
  readonly provider: Provider | "auto";
  /** null: as many as there are cores. */
  readonly threads: number | null;
  /** What a GPU should compute in; where it cannot do float16 it computes in float32. */
  readonly compute: "float16" | "float32";
}

export interface DeviceChoice {
  readonly provider: Provider;
  readonly compute: DType;
  readonly settings: DeviceSettings;
  /** Why this one, to be said to the user. */
  readonly note: string;
}

/** What a device was found to be: it computes right, in this precision, or it does not work. */
export type Finding =
  | { readonly provider: Provider; readonly compute: DType; readonly checkResult: CheckResult }
  | { readonly provider: Provider; readonly why: Error };

/** What the choice rests on; tests put their own in its place. */
export interface DeviceSurvey {
  list(): Promise<readonly ListedProvider[]>;
  open(settings: DeviceSettings): Loader;
  check(device: Loader, compute: DType): Promise<CheckResult>;
  /** Where passed checks are remembered. */
  readonly folder: string;
}

const thisMachine: DeviceSurvey = {
  list: listProviders,
  open: (settings) => new Device(settings),
  check: selfCheck,
  get folder() {
    return userCache("devices");
  },
};

const settingsOf = (provider: Provider, threads: number | null): DeviceSettings => ({
  provider,
  threads: threads ?? availableParallelism(),
  mapWeights: true,
});

/** Checks one device, in float32 too where float16 does not work. */
export async function examine(
  provider: Provider,
  wish: Omit<DeviceWish, "provider">,
  survey: DeviceSurvey = thisMachine,
): Promise<Finding> {
  const settings = settingsOf(provider, wish.threads);
  const precisions: readonly DType[] = provider === "cpu" || wish.compute === "float32"
    ? ["float32"]
    : ["float16", "float32"];
  let why = new Error("not tried");
  for (const compute of precisions) {
    const check = async () => {
      const device = survey.open(settings);
      return await survey.check(device, compute).finally(() => device.close());
    };
    try {
      const checkResult = await rememberedCheck(provider, compute, check, survey.folder);
      return { provider, compute, checkResult };
    } catch (error) {
      if (!isFault(error)) throw error;
      why = error;
    }
  }
  return { provider, why };
}

const rated = (rate: number) => `${(rate / 1e9).toFixed(0)} GFLOP/s`;

const chosen = (finding: Exclude<Finding, { why: Error }>, wish: DeviceWish): DeviceChoice => ({
  provider: finding.provider,
  compute: finding.compute,
  settings: settingsOf(finding.provider, wish.threads),
  note: `${finding.provider} computes in ${finding.compute}: ${rated(finding.checkResult.rate)}, ` +
    `within ${finding.checkResult.error.toExponential(0)} of the reference` +
    (wish.compute === "float16" && finding.compute === "float32" && finding.provider !== "cpu"
      ? "; it cannot do float16"
      : ""),
});

const plainCpu = (wish: DeviceWish): DeviceChoice => ({
  provider: "cpu",
  compute: "float32",
  settings: settingsOf("cpu", wish.threads),
  note: "cpu computes in float32",
});

/** Throws what was wrong with the device that was asked for. */
export async function chooseDevice(
  wish: DeviceWish,
  survey: DeviceSurvey = thisMachine,
): Promise<DeviceChoice> {
  if (wish.provider === "cpu") return plainCpu(wish);
  if (wish.provider !== "auto") {
    const finding = await examine(wish.provider, wish, survey);
    if ("why" in finding) throw finding.why;
    return chosen(finding, wish);
  }
  const candidates = (await survey.list()).filter(({ provider, ready }) =>
    ready && provider !== "cpu"
  );
  const working: Exclude<Finding, { why: Error }>[] = [];
  const unusable: Provider[] = [];
  for (const { provider } of candidates) {
    const finding = await examine(provider, wish, survey);
    if ("why" in finding) unusable.push(provider);
    else working.push(finding);
  }
  const without = unusable.length === 0
    ? ""
    : `; not usable here: ${unusable.join(", ")} (see \`doctor\`)`;
  if (working.length === 0) {
    const choice = plainCpu(wish);
    return { ...choice, note: `auto: ${choice.note}${without}` };
  }
  const cpu = await examine("cpu", wish, survey);
  const best = [...working, ..."why" in cpu ? [] : [cpu]]
    .reduce((a, b) => b.checkResult.rate > a.checkResult.rate ? b : a);
  const choice = chosen(best, wish);
  return { ...choice, note: `auto: ${choice.note}${without}` };
}
