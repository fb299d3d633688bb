// What a stage's members were called before: read for this whole version, and said once.
// The trap: only what stands in a stranger's file can be old; the project's own stages are typed.
import type { AnyStage } from "../stage.ts";

const formerly = {
  continueOnError: "supervised",
  handlesStop: "graceful",
  remainingWork: "owed",
} as const;

type Former = AnyStage & { readonly [Name in typeof formerly[keyof typeof formerly]]?: unknown };

const formerIn = (stage: Former) =>
  Object.entries(formerly).filter(([now, before]) => before in stage && !(now in stage)) as [
    keyof typeof formerly,
    typeof formerly[keyof typeof formerly],
  ][];

/** The stage under today's names; `run` is handed its writers as `outlets`, too. */
export function withTodaysNames(stage: AnyStage): AnyStage {
  const renamed = Object.fromEntries(
    formerIn(stage as Former).map(([now, before]) => [now, (stage as Former)[before]]),
  );
  const run: AnyStage["run"] = (context) =>
    stage.run({ ...context, outlets: context.writers } as typeof context);
  return { ...stage, ...renamed, run };
}

/** What to tell whoever wrote it; empty: nothing is old. */
export const noteOnNames = (id: string, stage: AnyStage): readonly string[] => {
  const old = Object.entries(formerly).filter(([, before]) => before in stage);
  return old.length === 0
    ? []
    : [`${id}: ${
      old.map(([now, before]) => `${before} is called ${now} now`).join(", ")
    }; the old name works in this version.`];
};
