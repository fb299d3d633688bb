// What of a pipeline is code of the user's own: stages and apps that its file names by path. A worker runs
// none of it unless it is told to, since an item of the queue may name any file.
// The trap: importing such a file runs it; here only the pipeline file is read.
import { Effect } from "effect";
import type { Fault } from "../lib/fault.ts";
import type { App } from "../runtime/app.ts";
import { readPipeline } from "../runtime/pipeline/pipeline.ts";

export const foreignParts = (
  pipeline: string,
  { name, stages }: Pick<App, "name" | "stages">,
): Effect.Effect<readonly string[], Fault> =>
  Effect.map(readPipeline(pipeline), ({ app, stages: used }) => [
    ...(app === undefined || app === name ? [] : [app]),
    ...Object.values(used).map(({ use }) => use).filter((use) => !Object.hasOwn(stages, use)),
  ]);
