// Which device computes, and in what precision. `auto` takes the fastest of those that compute right, all of
// it on the device; a device that is asked for by name is used or refused, never replaced.
// The trap: the CPU computes in float32 whatever the weights are stored in; half precision there would
// be slower and less exact.
import { availableParallelism } from "node:os";
import { isFault } from "../../lib/fault.ts";
import { userCache } from "../../lib/user-cache.ts";
import { DeviceFault } from "../device/device-fault.ts";
import { Device, type DeviceSettings, type Loader } from "../device/device.ts";
import { type Provider, providerKind } from "../device/providers.ts";
import { mostTerms } from "../device/wide-sums.ts";
import type { DType } from "../graph/graph.ts";
import { type Card, listCards } from "../memory/cards.ts";
import { type CardChoice, type CardWish, chooseCard } from "./choose-card.ts";
import { driverStamp } from "./driver-stamp.ts";
import { installHint } from "./install-hints.ts";
import { type ListedProvider, listProviders } from "./installed-providers.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { type CheckResult, DeviceCheckFault, rememberedCheck, selfCheck } from "./self-check.ts";
import { sumTolerance } from "./sum-check.ts";
import type { StepRate } from "./step-check.ts";

/** On what to compute, and how. */
export interface DeviceWish {
  /** `auto`: the fastest that computes right. One that is named is used or refused, never replaced. */
  readonly provider: Provider | "auto";
  /** Which of several cards, by index or a part of its name; null: the strongest. */
  readonly device?: number | string | null;
  /** null: as many as there are cores. */
  readonly threads: number | null;
  /** What a GPU should compute in; where it cannot do float16 it computes in float32. */
  readonly compute: "float16" | "float32";
}

export interface DeviceChoice {
  readonly provider: Provider;
  readonly compute: DType;
  readonly settings: DeviceSettings;
  /** Undefined on the CPU, and where nobody lists cards. */
  readonly card: Card | undefined;
  /** How fast it takes steps; undefined: nobody measured. */
  readonly rate: StepRate | undefined;
  /** Why this one, to be said to the user. */
  readonly note: string;
}

/** A device that computes right, in this precision. */
export interface Working extends CardChoice {
  readonly provider: Provider;
  readonly compute: DType;
  readonly checkResult: CheckResult;
}

/** What a device was found to be: working, or not, and why. */
export type Finding = Working | { readonly provider: Provider; readonly why: Error };

/** What the choice rests on; tests put their own in its place. */
export interface DeviceSurvey {
  list(): Promise<readonly ListedProvider[]>;
  cards(): Promise<readonly Card[]>;
  machine(): Promise<Machine>;
  open(settings: DeviceSettings): Loader;
  check(device: Loader, compute: DType): Promise<CheckResult>;
  /** Where passed checks are remembered. */
  readonly folder: string;
}

const here: DeviceSurvey = {
  list: listProviders,
  cards: listCards,
  machine: thisMachine,
  open: (settings) => new Device(settings),
  check: selfCheck,
  get folder() {
    return userCache("devices");
  },
};

const settingsOf = (
  provider: Provider,
  threads: number | null,
  deviceId: number | undefined,
  wideSums = false,
): DeviceSettings => ({
  provider,
  threads: threads ?? availableParallelism(),
  mapWeights: true,
  ...(deviceId === undefined ? {} : { deviceId }),
  ...(wideSums ? { wideSums } : {}),
});

const coarseSums = (provider: Provider, compute: DType, error: number) =>
  new DeviceCheckFault({
    key: "provider",
    wanted:
      `the ${provider} device to add ten thousand terms up within ${sumTolerance} in ${compute}`,
    found: `an error of ${error.toExponential(1)}`,
    fix: "Update the device's driver, or choose another provider; `doctor` lists them.",
  });

/** Why a provider cannot even be tried here; undefined: it can. */
async function absence(provider: Provider, survey: DeviceSurvey): Promise<DeviceFault | undefined> {
  const listed = (await survey.list()).find((each) => each.provider === provider);
  if (listed?.ready === true) return undefined;
  const hint = installHint(provider, undefined, await survey.machine());
  return new DeviceFault({
    key: "provider",
    wanted: `${provider} (${providerKind(provider).title})`,
    found: listed === undefined
      ? `an ONNX Runtime that has it not for ${process.platform} ${process.arch}`
      : "its libraries not installed",
    fix: hint ?? "Run `doctor` to see which devices work here.",
  });
}

/** Checks one device, in float32 too where float16 does not work. */
export async function examine(
  provider: Provider,
  wish: Omit<DeviceWish, "provider">,
  survey: DeviceSurvey = here,
): Promise<Finding> {
  const missing = await absence(provider, survey);
  if (missing !== undefined) return { provider, why: missing };
  const precisions: readonly DType[] = provider === "cpu" || wish.compute === "float32"
    ? ["float32"]
    : ["float16", "float32"];
  let why = new Error("not tried");
  try {
    const choice = chooseCard(
      provider,
      wish.device ?? null,
      provider === "cpu" ? [] : await survey.cards(),
    );
    const settings = settingsOf(provider, wish.threads, choice.deviceId);
    const stamp = await driverStamp(provider, choice.card);
    // How fast a processor is depends on how many of its cores are used.
    const card = provider === "cpu"
      ? `${settings.threads} threads`
      : choice.deviceId === undefined
      ? stamp
      : `${choice.deviceId} ${stamp}`;
    for (const compute of precisions) {
      const check = async () => {
        const attempt = async (wideSums: boolean) => {
          const device = survey.open({ ...settings, wideSums });
          return await survey.check(device, compute).finally(() => device.close());
        };
        const plain = await attempt(false);
        if (plain.sumError <= sumTolerance) return plain;
        const wide = { ...await attempt(true), wideSums: true };
        if (wide.sumError <= sumTolerance) return wide;
        throw coarseSums(provider, compute, wide.sumError);
      };
      try {
        const checkResult = await rememberedCheck(
          { provider, compute, card },
          check,
          survey.folder,
        );
        return { provider, compute, checkResult, ...choice };
      } catch (error) {
        if (!isFault(error)) throw error;
        why = error;
      }
    }
  } catch (error) {
    if (!isFault(error)) throw error;
    why = error;
  }
  return { provider, why };
}

const ranElsewhere = ({ checkResult: { step: { elsewhere } } }: Working): string => {
  const count = elsewhere.reduce((sum, each) => sum + each.count, 0);
  const ops = [...new Set(elsewhere.map(({ op }) => op))].join(", ");
  return `${count} nodes of a training step (${ops}) run on the processor`;
};

/** What the check found, in words. */
export function findingText(finding: Working): string {
  const { compute, card, checkResult: { error, step, wideSums } } = finding;
  return `${card === undefined ? "" : `${card.name}, `}${compute}, a small network's step in ` +
    `${step.seconds.toPrecision(2)} s, within ${error.toExponential(0)} of the reference` +
    (wideSums === true
      ? `; its sums in ${compute} are too coarse, so products of more than ${mostTerms} terms are ` +
        "computed in float32"
      : "") +
    (step.elsewhere.length === 0 ? "" : `; ${ranElsewhere(finding)}, which is slow`);
}

const chosen = (finding: Working, wish: DeviceWish): DeviceChoice => ({
  provider: finding.provider,
  compute: finding.compute,
  settings: settingsOf(
    finding.provider,
    wish.threads,
    finding.deviceId,
    finding.checkResult.wideSums,
  ),
  card: finding.card,
  rate: finding.checkResult.step,
  note: `${finding.provider} computes: ${findingText(finding)}` +
    (wish.compute === "float16" && finding.compute === "float32" && finding.provider !== "cpu"
      ? "; it cannot do float16"
      : ""),
});

const plainCpu = (wish: DeviceWish): DeviceChoice => ({
  provider: "cpu",
  compute: "float32",
  settings: settingsOf("cpu", wish.threads, undefined),
  card: undefined,
  rate: undefined,
  note: "cpu computes in float32",
});

/** Throws what was wrong with the device that was asked for. */
export async function chooseDevice(
  wish: DeviceWish,
  survey: DeviceSurvey = here,
): Promise<DeviceChoice> {
  if (wish.provider === "cpu") return plainCpu(wish);
  if (wish.provider !== "auto") {
    const finding = await examine(wish.provider, wish, survey);
    if ("why" in finding) throw finding.why;
    return chosen(finding, wish);
  }
  const candidates = (await survey.list()).filter(({ provider, ready }) =>
    ready && provider !== "cpu" && providerKind(provider).notAuto === undefined
  );
  const working: Working[] = [];
  const unusable: Exclude<Finding, Working>[] = [];
  const elsewhere: Provider[] = [];
  for (const { provider } of candidates) {
    const finding = await examine(provider, wish, survey);
    if ("why" in finding) unusable.push(finding);
    else if (finding.checkResult.step.elsewhere.length > 0) elsewhere.push(provider);
    else working.push(finding);
  }
  const remarks = [
    ...unusable.length === 0 ? [] : [
      `not usable here: ${unusable.map(({ provider }) => provider).join(", ")} (see \`doctor\`)`,
    ],
    ...elsewhere.length === 0
      ? []
      : [`left out, as parts of a step would run on the processor: ${elsewhere.join(", ")}`],
  ].map((remark) => `; ${remark}`).join("");
  const card = wish.device ?? null;
  if (card !== null && working.length === 0) {
    throw unusable.find(({ why }) => isFault(why) && why.key === "device")?.why ??
      unusable[0]?.why ?? noCard(card);
  }
  if (working.length === 0) {
    const choice = plainCpu(wish);
    return { ...choice, note: `auto: ${choice.note}${remarks}` };
  }
  const cpu = card === null ? await examine("cpu", wish, survey) : undefined;
  const best = [...working, ...cpu === undefined || "why" in cpu ? [] : [cpu]]
    .reduce((a, b) => b.checkResult.step.seconds < a.checkResult.step.seconds ? b : a);
  const choice = chosen(best, wish);
  return { ...choice, note: `auto: ${choice.note}${remarks}` };
}

/** How fast the chosen device takes steps; on the CPU it may be measured for it, once on a machine. */
export async function rateOfDevice(
  { provider, rate }: DeviceChoice,
  wish: DeviceWish,
): Promise<StepRate | undefined> {
  if (rate !== undefined || provider !== "cpu") return rate;
  const finding = await examine("cpu", wish);
  return "why" in finding ? undefined : finding.checkResult.step;
}

/** A card was asked for where there is no provider for any. */
const noCard = (wish: CardWish) =>
  new DeviceFault({
    key: "device",
    wanted: `the card ${wish}`,
    found: "no provider here that computes on a card",
    fix: "Run `doctor`; or leave device out.",
  });
