// An engine for a piece of work: the device that was asked for or is best, and the memory plan that fits
// the sizes at hand. The trap: choosing computes for some seconds the first time on a machine.
import { Device } from "../device/device.ts";
import type { AvailableMemory } from "../memory/available-memory.ts";
import { deviceMemory } from "../memory/device-memory.ts";
import type { MemoryPlan } from "../memory/memory-plan.ts";
import type { MemoryQuestion } from "../memory/memory-rows.ts";
import { type MemoryAdvice, planMemory } from "../memory/plan-memory.ts";
import { Engine } from "../session/engine.ts";
import type { Model } from "../weights/model.ts";
import { chooseDevice, type DeviceChoice, type DeviceWish } from "./choose-device.ts";

/** The work that an engine is for, and the device that is wished for. */
export interface EngineWish extends DeviceWish {
  /** Of `openModel`. */
  readonly model: Model;
  /** The memory plans to choose from, fastest first. None: nothing is trained. */
  readonly plans: readonly MemoryPlan[];
  /** Of the latents: all that will be trained, encoded or drawn. */
  readonly sizes: readonly { readonly height: number; readonly width: number }[];
  /** How many items at once. */
  readonly batch: number;
  /** Told what happens to the memory plan and to the VAE later. */
  readonly say?: (text: string) => void;
}

export interface AdvisedWork {
  readonly device: DeviceChoice;
  /** Undefined where nobody can say. */
  readonly available: AvailableMemory | undefined;
  readonly memory: MemoryAdvice;
}

/** The device and what memory says of the work on it; nothing is opened. Throws as `chooseDevice` does. */
export async function adviseWork(
  work: Pick<MemoryQuestion, "networks" | "sizes" | "batch" | "plans">,
  wish: DeviceWish,
  all = false,
): Promise<AdvisedWork> {
  const device = await chooseDevice(wish);
  const { provider, compute, card, settings: { wideSums = false } } = device;
  const available = await deviceMemory(provider, card);
  return {
    device,
    available,
    memory: planMemory({ ...work, compute, provider, wideSums, available }, all),
  };
}

/**
 * An engine on the device that was asked for or is best, under the memory plan that fits. The first time on a
 * machine this computes for some seconds. Throws what was wrong with the device that was asked for, or MemoryFault
 * where the work does not fit. Whoever gets the engine closes it, and its device with it.
 */
export async function prepareEngine(wish: EngineWish): Promise<Engine> {
  const { model, plans, sizes, batch, say } = wish;
  const { device: { compute, settings }, memory: advice } = await adviseWork(
    { networks: model, sizes, batch, plans },
    wish,
  );
  if (advice.refusal !== undefined) throw advice.refusal;
  return new Engine({
    model,
    device: new Device({ ...settings, keepMemory: sizes.length === 1 }),
    compute,
    plan: advice.plan,
    tiles: advice.tiles,
    tight: advice.tight,
    encodeBeside: advice.encodeBeside !== undefined,
    ...(advice.trainingSessions === undefined ? {} : { trainingSessions: advice.trainingSessions }),
    ...(say === undefined ? {} : { say }),
  });
}
