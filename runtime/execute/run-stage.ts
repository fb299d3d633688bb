// One stage of a plan, from waiting for its inputs to handing on its outputs: does what the plan says, and
// publishes when it starts and ends.
// The trap: a planned "cached" whose entry was lost meanwhile is made after all.
import { Clock, Effect, Option, Schema } from "effect";
import { canonicalJson, digestJson } from "../../lib/canonical-json.ts";
import { withoutFolders } from "../../lib/without-folders.ts";
import { type Fault, fault } from "../../lib/fault.ts";
import { portsOf } from "../artefact.ts";
import { askExternalInputs, isAbsent, type PreparedStage } from "../plan/prepared-stage.ts";
import { type CacheKey, fingerprint } from "../store/fingerprint.ts";
import type { PlannedStage } from "../plan/plan.ts";
import {
  readRecord,
  removeRecord,
  type Returned,
  writeRecord,
} from "../run-folder/stage-record.ts";
import type { ArtefactEntry } from "../store/artefact-store.ts";
import { blobsIn } from "../store/blobs-in.ts";
import { withAttempts } from "./attempts.ts";
import { Slots, type Value } from "./slots.ts";
import { type Output, outputsOf, startedBy, valuePorts } from "./stage-result.ts";
import {
  Events,
  Exclusive,
  Results,
  RunFolder,
  type RunServices,
  stageTools,
} from "./stage-tools.ts";

/** What the stages of one execution share. */
export type StageServices = RunServices | Exclusive | Slots;

/** A stage that is to run, and the values that it reads, by port. */
interface PendingStage {
  readonly preparedStage: PreparedStage;
  readonly planned: PlannedStage;
  readonly values: ReadonlyMap<string, Value>;
}

/** What it came to. */
export interface Finished {
  readonly cached: boolean;
  /** Digests of its value outputs, by port. */
  readonly outputs: Readonly<Record<string, string>>;
}

export const runStage = (
  preparedStage: PreparedStage,
  planned: PlannedStage,
): Effect.Effect<Finished, Fault, StageServices> =>
  Effect.gen(function* () {
    const { id, stage, reads } = preparedStage;
    const [events, slots] = yield* Effect.all([Events, Slots]);
    const finish = (finished: Finished, seconds: number) =>
      Effect.as(
        events.publish({ event: "stage-finished", stage: id, cached: finished.cached, seconds }),
        finished,
      );
    if (planned.action === "complete") {
      return yield* finish(yield* loadRecord(preparedStage), 0);
    }
    if (planned.action === "cached") {
      const taken = yield* takeCached(preparedStage, planned.fingerprint!);
      if (taken !== undefined) return yield* finish(taken, 0);
    }
    const values = new Map<string, Value>();
    for (const [port, outputRef] of Object.entries(reads)) {
      const isEarly = slots.stream(outputRef) !== undefined || stage.reads[port].drafted === true;
      if (!isEarly) values.set(port, yield* slots.value(outputRef));
    }
    yield* events.publish({ event: "stage-started", stage: id });
    const start = yield* Clock.currentTimeMillis;
    const make = stage.lifetime === "run" ? makeAndRecord : getOrCompute;
    const finished = yield* make({ preparedStage, planned, values });
    const now = yield* Clock.currentTimeMillis;
    return yield* finish(finished, Math.max(0, now - start) / 1000);
  });

/** Hands on what the store has, each value loaded when somebody asks for it. */
const handOn = Effect.fnUntraced(function* (
  preparedStage: PreparedStage,
  { fingerprint, ingredients, outputs }: ArtefactEntry,
) {
  const [{ store, pipeline }, slots] = yield* Effect.all([Results, Slots]);
  for (const [port, type] of valuePorts(preparedStage)) {
    const blob = outputs[port];
    const load = Effect.flatMap(
      store.get(blob),
      (bytes) =>
        Effect.orDie(
          Schema.decodeUnknownEffect(type.schema)(JSON.parse(new TextDecoder().decode(bytes))),
        ),
    );
    yield* slots.fill({ stage: preparedStage.id, port }, {
      digest: blob.digest,
      load: yield* Effect.cached(load),
    });
  }
  yield* store.keepLatest(pipeline, preparedStage.id, { fingerprint, ingredients });
  const digests = Object.entries(outputs).map(([port, { digest }]) => [port, digest]);
  return { cached: true, outputs: Object.fromEntries(digests) } satisfies Finished;
});

/** Undefined: not in the store, or not unharmed. `isNews`: the plan did not know, so nobody said its warnings. */
const takeCached = Effect.fn("takeCached")(
  function* (preparedStage: PreparedStage, name: string, isNews = false) {
    const [{ store }, events] = yield* Effect.all([Results, Events]);
    const found = yield* store.find(name);
    if (found.found !== "sound") return undefined;
    for (const text of isNews ? found.entry.warnings ?? [] : []) {
      yield* events.publish({ event: "warning", text });
    }
    return yield* handOn(preparedStage, found.entry);
  },
);

/** What went in became other while the stage ran (a picture was edited): nobody knows of which the result is. */
export class InputsChanged extends fault("InputsChanged", "world") {}

const checkInputs = Effect.fnUntraced(function* (preparedStage: PreparedStage) {
  const { store: { digests } } = yield* Results;
  const now = yield* Effect.option(askExternalInputs(preparedStage, {
    offline: true,
    digestFile: digests.digestFile,
    progress: () => Effect.void,
    warn: () => Effect.void,
  }));
  // What cannot be asked any more was there when it was read.
  if (Option.isNone(now) || isAbsent(now.value)) return;
  if (canonicalJson(now.value) === canonicalJson(preparedStage.world)) return;
  return yield* Effect.fail<Fault>(
    new InputsChanged({
      key: `stages.${preparedStage.id}`,
      wanted: "what goes in to stay as it is while the stage runs",
      found: "another state of it than the one that was planned with",
      fix: "Give the same command again.",
    }),
  );
});

/** The entry in the store is written last; until then the result does not exist. */
const compute = Effect.fnUntraced(function* (pending: PendingStage, ingredients: CacheKey) {
  const { id } = pending.preparedStage;
  const [{ store, cache, pipeline }, slots] = yield* Effect.all([Results, Slots]);
  const warnings = new Set<string>();
  const made = yield* performStage(pending, (text) => warnings.add(withoutFolders(text)));
  yield* checkInputs(pending.preparedStage);
  const blobs = yield* Effect.forEach(
    made,
    ({ json }) => store.put(new TextEncoder().encode(canonicalJson(json))),
  );
  if (cache) {
    const name = fingerprint(ingredients);
    yield* store.keep({
      fingerprint: name,
      ingredients,
      outputs: Object.fromEntries(made.map(({ port }, i) => [port, blobs[i]])),
      blobs: made.flatMap(({ json }) => blobsIn(json)),
      ...(warnings.size === 0 ? {} : { warnings: [...warnings] }),
    });
    yield* store.keepLatest(pipeline, id, { fingerprint: name, ingredients });
  }
  for (const [i, { port, value }] of made.entries()) {
    yield* slots.fill({ stage: id, port }, {
      digest: blobs[i].digest,
      load: Effect.succeed(value),
    });
  }
  const digests = made.map(({ port }, i) => [port, blobs[i].digest]);
  return { cached: false, outputs: Object.fromEntries(digests) } satisfies Finished;
});

/**
 * The result of a "cached" stage: taken from the store, or made and kept there. It is looked for once more when
 * the inputs are there, since it may turn out only then that nothing changed.
 */
const getOrCompute = Effect.fn("getOrCompute")(function* (pending: PendingStage) {
  const { cache } = yield* Results;
  const { stage, options, world } = pending.preparedStage;
  const ingredients: CacheKey = {
    stage: stage.name,
    version: stage.version,
    options: options.encoded,
    reads: Object.fromEntries([...pending.values].map(([port, { digest }]) => [port, digest])),
    world: world as Schema.Json,
  };
  const forced = pending.planned.reasons.some(({ reason }) => reason === "forced");
  const taken = forced || !cache
    ? undefined
    : yield* takeCached(pending.preparedStage, fingerprint(ingredients), true);
  return taken ?? (yield* compute(pending, ingredients));
});

const digestsOf = (record: Returned): Finished["outputs"] =>
  Object.fromEntries(Object.entries(record).map(([port, json]) => [port, digestJson(json)]));

/** What a stage of the run folder that owes nothing returned once. */
const loadRecord = Effect.fn("loadRecord")(function* (preparedStage: PreparedStage) {
  const slots = yield* Slots;
  const record = (yield* readRecord((yield* RunFolder).dir, preparedStage.id)) ?? {};
  for (const [port, type] of valuePorts(preparedStage)) {
    yield* slots.fill({ stage: preparedStage.id, port }, {
      digest: digestJson(record[port]),
      load: Effect.orDie(Schema.decodeUnknownEffect(type.schema)(record[port])),
    });
  }
  return { cached: true, outputs: digestsOf(record) } satisfies Finished;
});

/** The result of a "run" stage; what it returned is recorded in the run's folder. */
const makeAndRecord = Effect.fn("makeAndRecord")(function* (pending: PendingStage) {
  const { id } = pending.preparedStage;
  const [{ dir }, slots] = yield* Effect.all([RunFolder, Slots]);
  yield* removeRecord(dir, id);
  const made = yield* performStage(pending);
  const record: Returned = Object.fromEntries(made.map(({ port, json }) => [port, json]));
  yield* writeRecord(dir, id, record);
  for (const { port, value, json } of made) {
    yield* slots.fill({ stage: id, port }, {
      digest: digestJson(json),
      load: Effect.succeed(value),
    });
  }
  return { cached: false, outputs: digestsOf(record) } satisfies Finished;
});

/**
 * Runs a stage's own code, with its inputs, its tools, its retries and its exclusive resources, and gives what
 * it returned, encoded; none of it is believed before it was checked (stage-result.ts).
 */
const performStage = (
  { preparedStage, planned, values }: PendingStage,
  warned: (text: string) => void = () => {},
): Effect.Effect<readonly Output[], Fault, StageServices> =>
  Effect.gen(function* () {
    const { id, stage, options, reads } = preparedStage;
    const [events, slots, resources] = yield* Effect.all([Events, Slots, Exclusive]);
    const inputs: Record<string, unknown> = {};
    for (const [port, outputRef] of Object.entries(reads)) {
      const stream = slots.stream(outputRef);
      inputs[port] = stream !== undefined
        ? stream.elements
        : stage.reads[port].drafted === true
        ? slots.drafted(outputRef)
        : yield* values.get(port)!.load;
    }
    const writers = Object.fromEntries(
      portsOf(stage.writes).flatMap(([port, { kind, drafted }]) => {
        const own = { stage: id, port };
        if (kind === "stream") return [[port, slots.stream(own)!.emit]];
        return drafted === true ? [[port, (draft: unknown) => slots.show(own, draft)]] : [];
      }),
    );
    const tools = yield* stageTools(planned, warned);
    const context = { options: options.decoded, inputs, writers, tools };
    const attempt = Effect.suspend(() => startedBy(preparedStage, stage.run(context)));
    const returned = yield* resources.hold(
      planned.resources,
      withAttempts(planned, events)(attempt),
    );
    return yield* outputsOf(preparedStage, returned);
  });
