// What names a run: the options that change its data or objective, the stages that make it, and the
// pictures and weights that go in. The same command finds the same run and goes on there.
// The trap: stages that only watch (`continueOnError`) change nothing in the result and are left out.
import type { Schema } from "effect";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import type { Configuration } from "../options/configuration.ts";
import { isAbsent, type PreparedStage } from "./prepared-stage.ts";

const identitySchema = 1;

export interface Identity {
  readonly json: Schema.Json;
  readonly digest: string;
  /** What goes in otherwise than under another identity, in words. */
  readonly inputsUnlike: (other: any) => readonly string[];
}

export function runIdentity(
  configuration: Configuration,
  stages: readonly PreparedStage[],
): Identity {
  const parts = stages.filter(({ stage }) => stage.continueOnError !== true).map((
    { id, stage, use, reads, world },
  ) => [id, {
    stage: stage.name,
    version: stage.version,
    reads,
    options: use.options ?? {},
    inputs: isAbsent(world) ? null : world,
  }]);
  const identity = {
    schema: identitySchema,
    config: configuration.identity,
    stages: Object.fromEntries(parts),
  };
  const inputsUnlike = (other: any) =>
    stages.flatMap(({ id, stage, world }) => {
      const [before, now] = [other, identity].map((each) => each.stages?.[id]?.inputs ?? null);
      return canonicalJson(before) === canonicalJson(now)
        ? []
        : [`${id}: ${stage.describeInputs?.(before, world) ?? "other inputs"}`];
    });
  return { json: JSON.parse(canonicalJson(identity)), digest: digestJson(identity), inputsUnlike };
}
