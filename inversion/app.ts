// Textual inversion of SDXL, as the runner's app: its stages, its configuration, the device and the memory
// plan that a run keeps, its events and what a training may be asked for.
// The trap: stages and engine are imported when they are asked for, so that a plan loads no more than it needs.
import { Effect } from "effect";
import { optionRows } from "../config/option-rows.ts";
import { providerNames, retiredProviders } from "../engine/device/providers.ts";
import type { MemoryPlan } from "../engine/memory/memory-plan.ts";
import { type Fault, fault } from "../lib/fault.ts";
import { type App, type Facts, noFacts } from "../runtime/app.ts";
import { readEvents } from "../runtime/run-folder/event-log.ts";
import { eventsFile, isTensorResult } from "../runtime/run-folder/run-files.ts";
import type { JsonObject } from "../runtime/options/configuration.ts";
import { checkpointAt } from "./checkpoint-at.ts";
import { type ReadConfiguration, readTrainingConfiguration } from "./configuration.ts";
import { faultOfEpochs } from "./epoch-steps.ts";
import { trainingCodec, trainingEvents } from "./event-kinds.ts";
import type { RunEvent } from "./events.ts";
import { findDevice } from "./model/find-device.ts";
import { findMemory } from "./model/find-memory.ts";
import { memoryTableOf } from "./model/memory-table.ts";
import { type TrainingRequest, TrainingRequest as Requests } from "./requests.ts";
import { picturesAtOnce } from "./trained-pictures.ts";

const stages: App["stages"] = {
  ingest: () => import("../stages/ingest/stage.ts"),
  caption: () => import("../stages/caption/stage.ts"),
  tokenise: () => import("../stages/tokenise/stage.ts"),
  "encode-latents": () => import("../stages/encode-latents/stage.ts"),
  "optimise-embeddings": () => import("../stages/optimise-embeddings/stage.ts"),
  validate: () => import("../stages/validate/stage.ts"),
  checkpoint: () => import("../stages/checkpoint/stage.ts"),
  "training-pictures": () => import("../stages/training-pictures/stage.ts"),
};

export class CardMemoryFault extends fault("CardMemoryFault", "user") {}

export class RetiredProviderFault extends fault("RetiredProviderFault", "user") {}

/** A run keeps its device, and this one computed on what is there no more. */
const gone = (name: string) => ({
  key: "provider",
  wanted: `one of ${providerNames.join(", ")}`,
  found: `${name}, with which this run was trained`,
  fix: `${retiredProviders[name]} The run goes on with e.g. --set provider=webgpu or --set ` +
    "provider=cpu.",
});

const noProvider = {
  key: "--device-memory",
  wanted: "the provider that would compute on that card",
  found: "provider: auto, which asks what is here",
  fix: "Name it: --provider cuda or --provider webgpu.",
};

/** The device is found once for a run, and kept; so is the memory plan, as another may give other last bits. */
const factsFor = (
  cardMemory: number | null,
): App["facts"] =>
({ configuration, values, worlds, kept, needsRun, offline }) =>
  Effect.gen(function* (): Effect.gen.Return<Facts, Fault> {
    // A run that is there has its steps.
    const fault = needsRun && kept === null ? faultOfEpochs(values, worlds.get("ingest")) : null;
    if (fault !== null) return yield* fault;
    const named = values.provider === "auto" ? null : values.provider as string | null;
    if (named === null && cardMemory !== null) return yield* new CardMemoryFault(noProvider);
    const known = named ?? kept?.device ?? null;
    const retired = known !== null && Object.hasOwn(retiredProviders, known);
    if (retired) return yield* new RetiredProviderFault(gone(known));
    const { device, note } = known === null
      ? yield* findDevice(configuration)
      : { device: known, note: null };
    if (device === null) return noFacts;
    const own: JsonObject = { provider: device };
    const { trained, ...batch } = picturesAtOnce(values, worlds.get("ingest"));
    const memory = needsRun
      ? yield* findMemory({
        values: { ...values, ...own, ...batch },
        device,
        kept: (kept?.facts.memoryPlan ?? null) as MemoryPlan | null,
        all: offline,
        cardMemory,
        trained,
      })
      : null;
    return {
      device,
      kept: memory === null ? {} : { memoryPlan: memory.plan },
      values: own,
      // What a result says about itself does not hang on how much memory was free, nor on how many
      // pictures there were for a batch.
      stageValues: memory === null ? {} : { memory_plan: memory.plan, ...batch },
      shown: memory === null ? {} : {
        memory: memoryTableOf(memory),
        ...(memory.time === null ? {} : { time: memory.time }),
      },
      notes: [...(note === null ? [] : [note]), ...(memory?.notes ?? [])],
      refusal: memory?.refusal,
    } satisfies Facts;
  });

/** Notes which checkpoint somebody chose; other requests are the stages'. */
const answer: App["answer"] = (runDir, request) => {
  const asked = request as TrainingRequest;
  return asked.request !== "choose" ? Effect.succeed(undefined) : Effect.map(
    readEvents(eventsFile(runDir), trainingCodec),
    ({ events }) => {
      const found = checkpointAt(events as readonly RunEvent[], asked.step);
      return found && { event: "chosen", step: found.step, path: found.path };
    },
  );
};

/**
 * The app, with another way to read its configuration (`--from-file`), and in a dry run for a card of so many
 * GiB that need not be here (`--device-memory`).
 */
export const trainingApp = (
  read: ReadConfiguration = readTrainingConfiguration,
  cardMemory: number | null = null,
): App => ({
  name: "sdxl-ti",
  stages,
  toolkit: async () => (await import("./toolkit.ts")).trainingToolkit,
  configurationType: "SDXL_TEXTUAL_INVERSION",
  options: optionRows,
  readConfiguration: ({ layers }) => read(layers),
  facts: factsFor(cardMemory),
  events: trainingEvents,
  requests: Requests,
  answer,
  isResult: isTensorResult,
});
