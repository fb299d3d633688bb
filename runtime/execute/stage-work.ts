// Runs a stage's own code, with its inputs, its tools, its retries and its exclusive resources, and gives
// what it returned, encoded.
// The trap: nothing of what it returned is believed before it was checked (stage-result.ts).
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { portsOf } from "../artefact.ts";
import type { Readied } from "../plan/assess.ts";
import type { PlannedStage } from "../plan/plan.ts";
import { withAttempts } from "./attempts.ts";
import type { Slots, Value } from "./slots.ts";
import { type Output, outputsOf, startedBy } from "./stage-result.ts";
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
    const attempt = Effect.suspend(() => startedBy(readied, stage.run(context as never)));
    const returned = yield* resources.hold(
      planned.resources,
      withAttempts(planned, events)(attempt),
    );
    return yield* outputsOf(readied, returned);
  });
