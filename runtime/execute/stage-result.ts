// What a stage's `run` gave back, checked against what the stage declares: an Effect of its value outputs.
// The trap: a stranger's stage is not compiled against the contract, so anything may come.
import { Effect, Schema } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { type AnyArtefactType, portsOf } from "../artefact.ts";
import type { PreparedStage } from "../plan/prepared-stage.ts";
import { stageError } from "../pipeline/stage-fault.ts";

export class WrongResult extends fault("WrongResult", "defect") {}

type NamedStage = Pick<PreparedStage, "id" | "stage">;

export const valuePorts = (
  { stage }: Pick<NamedStage, "stage">,
): readonly (readonly [string, AnyArtefactType])[] =>
  portsOf(stage.writes).filter(([, { kind }]) => kind === "value");

const wrong = ({ id }: NamedStage, wanted: string, found: string, fix: string): Fault =>
  stageError(id, `${found} in place of ${wanted}`) ?? new WrongResult({
    key: `stages.${id}`,
    wanted,
    found,
    fix: `${fix} This is a defect of gnomic.`,
  });

/** What `run` returned, if it is an Effect at all. */
export const startedBy = (
  step: NamedStage,
  returned: unknown,
): Effect.Effect<unknown, unknown> =>
  Effect.isEffect(returned) ? returned as Effect.Effect<unknown, unknown> : Effect.fail(wrong(
    step,
    `run of ${step.stage.name} to return an Effect`,
    returned instanceof Promise ? "a Promise" : typeof returned,
    "Wrap asynchronous work: run: (context) => Effect.promise(async () => ({ ... })).",
  ));

export interface Output {
  readonly port: string;
  readonly value: unknown;
  readonly json: Schema.Json;
}

/** The value outputs as JSON. */
export const outputsOf = (
  step: NamedStage,
  result: unknown,
): Effect.Effect<readonly Output[], Fault> => {
  const { stage } = step;
  const values = (typeof result === "object" && result !== null ? result : {}) as Record<
    string,
    unknown
  >;
  return Effect.forEach(
    valuePorts(step),
    ([port, type]) =>
      Object.hasOwn(values, port)
        ? Schema.encodeUnknownEffect(type.schema)(values[port]).pipe(
          Effect.mapBoth({
            onSuccess: (json) => ({ port, value: values[port], json: json as Schema.Json }),
            onFailure: (error) =>
              wrong(
                step,
                `${port} of ${stage.name} to be as its artefact ${type.name} has it`,
                String(error.message).replaceAll(/\s*\n\s*/g, " "),
                "Correct what run returns.",
              ),
          }),
        )
        : Effect.fail(wrong(
          step,
          `run of ${stage.name} to return { ${port} }`,
          Object.keys(values).join(", ") || "nothing",
          "Correct what run returns.",
        )),
  );
};
