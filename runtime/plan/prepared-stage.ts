// A stage that could run: wired, its options decoded, and asked what it needs of the world outside (pictures,
// weights).
// The trap: in a dry run "not on this machine" is an answer too, not a failure.
import { Effect, Result, type Schema } from "effect";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { allFaults, type Fault, NotDownloaded } from "../../lib/fault.ts";
import { together } from "../../lib/together.ts";
import { withRetries } from "../../lib/with-retries.ts";
import { faultsOnly } from "../pipeline/stage-fault.ts";
import { type StageOptions, stageOptions } from "../pipeline/stage-options.ts";
import type { Wired } from "../pipeline/wiring.ts";
import type { InputTools } from "../stage.ts";
import type { Selection } from "./select.ts";

export interface PreparedStage extends Wired {
  readonly options: StageOptions;
  readonly world: Schema.Json | NotDownloaded;
}

export const isAbsent = (world: PreparedStage["world"]): world is NotDownloaded =>
  world instanceof Error;

type Decoded = Omit<PreparedStage, "world">;

/** All options, or every complaint about them. */
export const decodeOptions = (
  wired: readonly Wired[],
  configuration: Parameters<typeof stageOptions>[1],
  placeOf: Parameters<typeof stageOptions>[2],
): Effect.Effect<readonly Decoded[], Fault> =>
  together(wired.map((each) => {
    const found = stageOptions(each, configuration, placeOf);
    return "faults" in found
      ? Result.fail(allFaults(found.faults))
      : Result.succeed({ ...each, options: found.options });
  }));

/** What a stage says of the world now, as plain JSON. */
export const askExternalInputs = (
  { id, stage, use, options }: Decoded,
  tools: InputTools,
): Effect.Effect<Schema.Json | NotDownloaded, Fault> =>
  stage.inputs === undefined ? Effect.succeed(null) : Effect.suspend(() => {
    const asked: unknown = stage.inputs!(options.decoded, tools);
    // A stranger's stage is not compiled against the contract.
    return Effect.isEffect(asked)
      ? asked as Effect.Effect<unknown, Fault>
      : Effect.die(new TypeError("inputs gave no Effect"));
  }).pipe(
    Effect.map((json) => JSON.parse(canonicalJson(json ?? null)) as Schema.Json),
    faultsOnly(id),
    withRetries(use.retry ?? null, () => Effect.void),
    Effect.catch((fault) =>
      tools.offline && fault instanceof NotDownloaded ? Effect.succeed(fault) : Effect.fail(fault)
    ),
  );

/**
 * The stages with what they say of the world. One after another, and once something is wrong without the
 * network: nobody waits for a download only to hear that there are no pictures. A stage that does not take
 * part is not asked: its weights may not be here.
 */
export const prepareStages = (
  decoded: readonly Decoded[],
  selection: Selection,
  needsRun: boolean,
  toolsOf: (id: string) => InputTools,
): Effect.Effect<readonly PreparedStage[], Fault> =>
  Effect.suspend(() => {
    let wrong = false;
    return Effect.forEach(decoded, (each) => {
      const tools = toolsOf(each.id);
      const world = needsRun || selection.included.has(each.id)
        ? askExternalInputs(each, { ...tools, offline: tools.offline || wrong })
        : Effect.succeed(null);
      return world.pipe(
        Effect.map((world): PreparedStage => ({ ...each, world })),
        Effect.tapError(() => Effect.sync(() => wrong = true)),
        Effect.result,
      );
    });
  }).pipe(Effect.flatMap(together));
