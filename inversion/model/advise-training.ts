// Plan, memory and time of a training: on the device that is here, or in a dry run on one that is not, which
// is then as its maker's data sheet has it.
// The trap: how fast a processor is gets measured only where the training is long, as that takes seconds.
import type { Provider } from "../../engine/device/providers.ts";
import { DeviceFault } from "../../engine/device/device-fault.ts";
import type { AvailableMemory } from "../../engine/memory/available-memory.ts";
import { cardsLike, expectedRate, knownCards } from "../../engine/memory/card-rates.ts";
import type { MemoryQuestion } from "../../engine/memory/memory-rows.ts";
import type { DeviceRate } from "../../engine/memory/step-time.ts";
import { type MemoryAdvice, planMemory } from "../../engine/memory/plan-memory.ts";
import { CardFault, isIndex } from "../../engine/setup/choose-card.ts";
import { type DeviceWish, rateOfDevice } from "../../engine/setup/choose-device.ts";
import { adviseWork } from "../../engine/setup/prepare-engine.ts";
import { DeviceCheckFault } from "../../engine/setup/self-check.ts";
import type { Fault } from "../../lib/fault.ts";
import {
  isLong,
  type TimedDevice,
  type TimeOptions,
  type TimeTable,
  timeTable,
} from "./find-time.ts";

export interface TrainingWish {
  readonly device: DeviceWish & { readonly provider: Provider };
  readonly options: TimeOptions;
  /** Of a training in epochs, as far as anybody can say. */
  readonly steps: number | null;
  /** Nothing is trained: every plan is of interest, and the device need not be here. */
  readonly dry: boolean;
  /** GiB of the card that is planned for; null: of what is here. */
  readonly cardMemory: number | null;
}

export interface TrainingAdvice {
  readonly memory: Omit<MemoryAdvice, "refusal"> & { readonly refusal: Fault | undefined };
  readonly available: AvailableMemory | undefined;
  /** Null: the training is short, or nobody can say. */
  readonly time: TimeTable | null;
}

type Work = Pick<MemoryQuestion, "networks" | "sizes" | "batch" | "plans">;

const gib = 2 ** 30;

/** Throws as `chooseDevice` does; in a dry run only what is wrong with the wish itself. */
export async function adviseTraining(work: Work, wish: TrainingWish): Promise<TrainingAdvice> {
  if (wish.cardMemory !== null) return elsewhere(work, wish, undefined);
  try {
    return await here(work, wish);
  } catch (error) {
    const isAbsent = error instanceof DeviceFault || error instanceof DeviceCheckFault ||
      (error instanceof CardFault && namedCards(wish).length > 0);
    if (!wish.dry || !isAbsent) throw error;
    return elsewhere(work, wish, error);
  }
}

async function here(work: Work, wish: TrainingWish): Promise<TrainingAdvice> {
  const { device, available, memory } = await adviseWork(work, wish.device, wish.dry);
  const timed = (rate: DeviceRate, name: string): TimedDevice => ({
    name,
    rate,
    memory: undefined,
  });
  const { provider, card } = device;
  const asked = { ...wish, rows: memory.rows, plans: work.plans, plan: memory.plan };
  const isRefused = memory.refusal !== undefined && !wish.dry;
  if (isRefused || !isLong(asked)) return { memory, available, time: null };
  const rate = await rateOfDevice(device, wish.device);
  const name = provider === "cpu" ? "this processor" : card?.name ?? `this ${provider} device`;
  const time = rate === undefined ? null : timeTable(asked, [timed(rate, name)], true);
  return { memory, available, time };
}

/** Cards of the list whose name has in it what `device` asks for. */
const namedCards = (wish: TrainingWish) => {
  const name = cardName(wish);
  return name === null ? [] : cardsLike(name, null);
};

/** What `device` asks for by name; null: a card by its index, or the strongest. */
const cardName = ({ device: { device: name = null } }: TrainingWish): string | null =>
  name === null || isIndex(name) ? null : `${name}`;

const unknownCard = (name: string) =>
  new CardFault({
    key: "device",
    wanted: "a card that is here, or a part of the name of one that is known",
    found: name,
    fix: `Say its memory (--device-memory 12), or choose among ${
      knownCards.map((card) => card.name).join(", ")
    }.`,
  });

/** `why` it is not here; undefined: that was not asked. */
function elsewhere(
  work: Work,
  wish: TrainingWish,
  why: DeviceFault | DeviceCheckFault | CardFault | undefined,
): TrainingAdvice {
  const { device: { provider }, cardMemory } = wish;
  const compute = provider === "cpu" ? "float32" : wish.device.compute;
  const named = namedCards(wish);
  const name = cardName(wish);
  if (name !== null && named.length === 0 && cardMemory === null && provider !== "cpu") {
    throw unknownCard(name);
  }
  const memory = cardMemory ?? (named.length === 1 ? named[0].memory : null);
  const by = cardMemory !== null ? "as --device-memory says" : `a ${named[0]?.name}, as sold`;
  const available = memory === null ? undefined : { bytes: memory * gib, by };
  const advice = planMemory({ ...work, provider, compute, available }, true);
  const asked = { ...wish, rows: advice.rows, plans: work.plans, plan: advice.plan };
  const devices = provider === "cpu"
    ? []
    : (named.length > 0 ? named : cardsLike(null, memory)).flatMap((card): TimedDevice[] => {
      const rate = expectedRate(card, provider, compute);
      return rate === undefined
        ? []
        : [{ name: card.name, rate, memory: (cardMemory ?? card.memory) * gib }];
    });
  return {
    memory: { ...advice, refusal: why ?? advice.refusal },
    available,
    time: devices.length === 0 ? null : timeTable(asked, devices, false),
  };
}
