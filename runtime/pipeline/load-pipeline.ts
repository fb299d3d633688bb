// What a command's pipeline is: its stages, found and imported, whether it stands in a file or was composed
// in TypeScript. The trap: importing may fail for several stages; that is kept, to be said together with
// what is wrong with the configuration.
import { Effect, Result } from "effect";
import { allFaults, type Fault, type Place } from "../../lib/fault.ts";
import type { Composition } from "./compose.ts";
import type { ConfigLayers } from "./configuration.ts";
import { folderOf, readPipeline } from "./pipeline.ts";
import { resolveStage } from "./resolve.ts";
import type { PipelineStep } from "./wiring.ts";

export interface Definition {
  readonly name: string;
  readonly steps: Effect.Effect<readonly PipelineStep[], Fault>;
  readonly placeOf: (key: string) => Place;
  readonly layers: Pick<ConfigLayers, "pipeline">;
}

/** All of them, or all their faults. */
export const together = <A>(
  results: readonly Result.Result<A, Fault>[],
): Effect.Effect<readonly A[], Fault> => {
  const faults = results.flatMap((each) => Result.isFailure(each) ? each.failure : []);
  return faults.length > 0
    ? Effect.fail(allFaults(faults))
    : Effect.succeed(results.flatMap((each) => Result.isSuccess(each) ? [each.success] : []));
};

/** A name of pipelines/, the path of a pipeline file, or one composed in TypeScript. */
export const define = (
  pipeline: string | Composition<any>,
): Effect.Effect<Definition, Fault> => {
  if (typeof pipeline !== "string") {
    const { name, steps } = pipeline;
    return Effect.succeed({ name, steps: Effect.succeed(steps), placeOf: () => ({}), layers: {} });
  }
  return Effect.map(readPipeline(pipeline), (file) => {
    const steps = Effect.forEach(
      Object.entries(file.stages),
      ([id, use]) =>
        resolveStage(use.use, folderOf(file), file.placeOf(`stages.${id}.use`), id).pipe(
          Effect.map((stage): PipelineStep => ({ id, stage, use })),
          Effect.result,
        ),
      { concurrency: 4 },
    ).pipe(Effect.flatMap(together));
    const { pipeline: name, placeOf, configSource } = file;
    return { name, steps, placeOf, layers: { pipeline: configSource } };
  });
};
