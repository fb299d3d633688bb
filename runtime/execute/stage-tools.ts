// What the stages of a run share, each a service (who needs one asks for it, and no call hands it on), and what a
// stage is handed of it.
// The trap: progress is thinned to four a second; a stage may report as often as it likes.
import { availableParallelism } from "node:os";
import { Clock, Context, Effect } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import type { Control } from "../control.ts";
import { EventFault } from "../events.ts";
import type { PlannedStage } from "../plan/plan.ts";
import type { RunInfo, StageTools } from "../stage.ts";
import type { Store } from "../store/artefact-store.ts";
import { type BlobStore, CorruptBlob } from "../store/blob-store.ts";
import type { Resources } from "../../lib/resources.ts";
import type { EventStream } from "./observers.ts";
import type { StopSignal } from "./stop-signal.ts";

export class Events extends Context.Service<Events, EventStream>()("gnomic/Events") {}
export class Requests extends Context.Service<Requests, Control>()("gnomic/Requests") {}
export class Stop extends Context.Service<Stop, StopSignal>()("gnomic/Stop") {}
export class Exclusive extends Context.Service<Exclusive, Resources>()("gnomic/Exclusive") {}

export class Results extends Context.Service<Results, {
  readonly store: Store;
  /** False: nothing is looked up in it (--no-cache). */
  readonly cache: boolean;
  /** By whose name the latest of each stage is kept. */
  readonly pipeline: string;
}>()("gnomic/Results") {}

export class RunFolder extends Context.Service<RunFolder, {
  readonly dir: string;
  readonly blobs: BlobStore;
  readonly seed: number;
  readonly info: RunInfo;
  /** Notes the digests of a finished stage's outputs, by port, while others still run. */
  readonly keepOutputs: (
    stage: string,
    outputs: Readonly<Record<string, string>>,
  ) => Effect.Effect<void>;
}>()("gnomic/RunFolder") {}

/** Of one attempt. */
export type RunServices = Events | Requests | Stop | Results | RunFolder;

const progressEveryMs = 250;

const misshapen = (id: string, stage: string, tag: string, why: string) =>
  new EventFault({
    key: `stages.${id}`,
    wanted: `an event that ${stage} has registered, with the fields that it registered`,
    found: `"${tag}": ${why.replaceAll(/\s*\n\s*/g, " ")}`,
    fix: "Name it under `events` of the stage, with the types of its fields (runtime/stage.ts).",
  });

/** `warned` is told what the stage warns of. */
export const stageTools = Effect.fn("stageTools")(function* (
  planned: PlannedStage,
  warned: (text: string) => void,
) {
  const { store, cache } = yield* Results;
  const { dir, blobs, seed, info } = yield* RunFolder;
  const [events, control, stop, resources] = yield* Effect.all([Events, Requests, Stop, Exclusive]);
  const { id } = planned;
  let reportedAt = -Infinity;

  const memo: StageTools["memo"] = (key, make) =>
    Effect.gen(function* () {
      const name = digestJson({ stage: planned.name, version: planned.version, key });
      const found = cache ? yield* store.findMemo(name) : { found: "none" } as const;
      if (found.found === "sound") return found.entry;
      if (found.found === "corrupt") {
        yield* events.publish({
          event: "warning",
          text: `${id}: a part in the store is corrupt (${found.what}); it is made again`,
        });
      }
      const blob = yield* Effect.flatMap(make, store.put);
      yield* store.keepMemo(name, blob);
      return blob;
    });

  const progress: StageTools["progress"] = (done, total, unit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis;
      if (Math.abs(now - reportedAt) < progressEveryMs && done !== total) return;
      reportedAt = now;
      yield* events.publish({ event: "stage-progress", stage: id, done, total, unit });
    });

  const emit: StageTools["emit"] = (event) =>
    Effect.andThen(
      Effect.catch(
        events.offer(event),
        (why) => Effect.die(misshapen(id, planned.name, event.event, why)),
      ),
      Effect.sync(() => {
        if (event.event === "warning") warned(String(event.text));
      }),
    );

  return {
    seed,
    run: info,
    runDir: dir,
    concurrency: planned.concurrency ?? availableParallelism(),
    withResource: (resource, effect) =>
      resource in planned.resources ? effect : resources.hold({ [resource]: 1 }, effect),
    stopRequested: stop.requested,
    requests: () => control.requests(id),
    digestFile: store.digests.digestFile,
    // What a "run" stage makes, it may not be able to make again; the store is anybody's to delete.
    put: planned.lifetime === "run" ? blobs.put : store.put,
    get: (blob) =>
      Effect.catchIf(
        blobs.get(blob),
        (fault) => fault instanceof CorruptBlob,
        () => store.get(blob),
      ),
    memo,
    emit,
    progress,
  } satisfies StageTools;
});
