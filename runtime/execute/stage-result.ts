// What a stage's `run` gave back, checked against what the stage declares (an Effect of its value outputs), and
// what of it is kept in the run's folder.
// The trap: a stranger's stage is not compiled against the contract, so anything may come.
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { diskFault } from "../../lib/disk-fault.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { type AnyArtefactType, portsOf } from "../artefact.ts";
import type { PreparedStage } from "../plan/prepared-stage.ts";
import { stageError } from "../pipeline/stage-files.ts";

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

/**
 * What a finished "run" stage leaves in its run folder: `stages/<id>.json` with the values it returned, encoded,
 * by port, for stages that read them on a later attempt. It says that the stage returned and was not asked to
 * run since; whether it still owes something is for its `remainingWork` to say.
 */
const Returned = Schema.Record(Schema.String, Schema.Json);
export type Returned = typeof Returned.Type;

const ReturnedJson = Schema.fromJsonString(Returned);
const path = (runDir: string, id: string) => join(runDir, "stages", `${id}.json`);

/** Null if it never returned (or the record is damaged, which is the same). */
export const readRecord = (runDir: string, id: string): Effect.Effect<Returned | null> =>
  Effect.flatMap(Files, (files) => files.readFileString(path(runDir, id))).pipe(
    Effect.flatMap(Schema.decodeEffect(ReturnedJson)),
    Effect.orElseSucceed(() => null),
  );

export const writeRecord = (
  runDir: string,
  id: string,
  returned: Returned,
): Effect.Effect<void, Fault> =>
  Effect.andThen(
    makeFolder(join(runDir, "stages")),
    atomicWrite(path(runDir, id), `${JSON.stringify(returned)}\n`),
  );

/** Before the stage runs again: were it killed now, it would not have returned. */
export const removeRecord = (runDir: string, id: string): Effect.Effect<void, Fault> =>
  Effect.flatMap(Files, (files) => files.remove(path(runDir, id), { force: true })).pipe(
    Effect.mapError(diskFault(path(runDir, id), "to run this stage again")),
  );
