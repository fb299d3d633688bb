// Runs a stage's own code, with its inputs, its tools, its retries and its exclusive resources, and gives
// what it returned, encoded.
// The trap: a value that its artefact's Schema refuses is a defect of the stage, found here and not by readers.
import { Effect, Schema } from "effect";
import type { Fault } from "../../engine/fault.ts";
import { type AnyArtefactType, portsOf } from "../artefact.ts";
import type { Readied } from "../plan/assess.ts";
import type { PlannedStage } from "../plan/plan.ts";
import { withAttempts } from "./attempts.ts";
import type { Slots, Value } from "./slots.ts";
import { stageTools, type Surroundings } from "./stage-tools.ts";

/** What the stages of one execution share. */
export interface Work extends Surroundings {
  readonly pipeline: string;
  readonly slots: Slots;
}

/** A stage that is to run, and the values that it reads, by port. */
export interface Due {
  readonly readied: Readied;
  readonly planned: PlannedStage;
  readonly values: ReadonlyMap<string, Value>;
}

/** What it came to. */
export interface Finished {
  readonly cached: boolean;
  /** Digests of its value outputs, by port. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What a value port returned. */
export interface Output {
  readonly port: string;
  readonly value: unknown;
  readonly json: Schema.Json;
}

export const valuePorts = ({ stage }: Readied): readonly (readonly [string, AnyArtefactType])[] =>
  portsOf(stage.writes).filter(([, { kind }]) => kind === "value");

export const performStage = (
  { readied, planned, values }: Due,
  work: Work,
): Effect.Effect<readonly Output[], Fault> =>
  Effect.gen(function* () {
    const { id, stage, options, reads } = readied;
    const { events, slots, resources } = work;
    const inputs: Record<string, unknown> = {};
    for (const [port, outlet] of Object.entries(reads)) {
      const stream = slots.stream(outlet);
      inputs[port] = stream === undefined ? yield* values.get(port)!.load : stream.elements;
    }
    const outlets = Object.fromEntries(
      portsOf(stage.writes)
        .filter(([, { kind }]) => kind === "stream")
        .map(([port]) => [port, slots.stream({ stage: id, port })!.emit]),
    );
    const tools = stageTools(planned, work);
    const context = { options: options.decoded, inputs, outlets, tools };
    const attempt = Effect.suspend(() =>
      stage.run(context as never) as Effect.Effect<Record<string, unknown>, unknown>
    );
    const returned = yield* resources.hold(
      planned.resources,
      withAttempts(planned, events)(attempt),
    );
    return yield* Effect.forEach(valuePorts(readied), ([port, type]) =>
      Schema.encodeUnknownEffect(type.schema)(returned[port]).pipe(
        Effect.map((json) => ({ port, value: returned[port], json: json as Schema.Json })),
        Effect.orDie,
      ));
  });
