// One stage of a plan, from waiting for its inputs to handing on its outputs. A cached result is taken
// from the store, also when it turns out only now that nothing changed.
// The trap: the entry in the store is written last; until then the result does not exist.
import { Clock, Effect, Schema } from "effect";
import type { Fault } from "../../engine/fault.ts";
import type { AnyArtefactType } from "../artefact.ts";
import type { ArtefactEntry } from "../store/artefact-store.ts";
import type { Readied } from "../plan/assess.ts";
import { withAttempts } from "./attempts.ts";
import { blobsIn } from "../store/blobs-in.ts";
import { canonicalJson, digestJson } from "../store/canonical-json.ts";
import { fingerprint, type Ingredients } from "../plan/fingerprint.ts";
import type { PlannedStage } from "../plan/plan.ts";
import type { Slots, Value } from "./slots.ts";
import { readRecord, writeRecord } from "./stage-record.ts";
import { outputsOf, startedBy } from "./stage-result.ts";
import { stageTools, type Surroundings } from "./stage-tools.ts";

type Digests = Readonly<Record<string, string>>;

export interface Finished {
  readonly cached: boolean;
  /** Of its value outputs, by port. */
  readonly outputs: Digests;
}

const portsOf = (ports: object): readonly (readonly [string, AnyArtefactType])[] =>
  Object.entries(ports);

const valuePorts = ({ stage }: Readied) =>
  portsOf(stage.writes).filter(([, { kind }]) => kind === "value");

const decoded = (type: AnyArtefactType, json: unknown): Effect.Effect<unknown> =>
  Effect.orDie(Schema.decodeUnknownEffect(type.schema)(json));

export interface Work extends Surroundings {
  readonly pipeline: string;
  readonly slots: Slots;
}

/** Hands on what the store has. */
const handOn = (readied: Readied, entry: ArtefactEntry, { store, slots }: Work) =>
  Effect.forEach(valuePorts(readied), ([port, type]) => {
    const blob = entry.outputs[port];
    const load = Effect.flatMap(
      store.get(blob),
      (bytes) => decoded(type, JSON.parse(new TextDecoder().decode(bytes))),
    );
    return Effect.flatMap(
      Effect.cached(load),
      (load) => slots.fill({ stage: readied.id, port }, { digest: blob.digest, load }),
    );
  }, { discard: true });

const digestsOf = (outputs: ArtefactEntry["outputs"]): Digests =>
  Object.fromEntries(Object.entries(outputs).map(([port, { digest }]) => [port, digest]));

/** Runs the stage's own code, with retries, timeout and resources. */
const perform = (
  readied: Readied,
  planned: PlannedStage,
  values: ReadonlyMap<string, Value>,
  work: Work,
) =>
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
    return yield* resources.hold(planned.resources, withAttempts(planned, events)(attempt));
  });

/** The store's digest of each input, once it is there. */
const inputDigests = (values: ReadonlyMap<string, Value>): Digests =>
  Object.fromEntries([...values].map(([port, { digest }]) => [port, digest]));

const runCached = Effect.fnUntraced(function* (
  readied: Readied,
  planned: PlannedStage,
  values: ReadonlyMap<string, Value>,
  work: Work,
) {
  const { id, stage, options, world } = readied;
  const { store, slots, pipeline } = work;
  const ingredients: Ingredients = {
    stage: stage.name,
    version: stage.version,
    options: options.encoded,
    reads: inputDigests(values),
    world: world as Schema.Json,
  };
  const name = fingerprint(ingredients);
  const forced = planned.reasons.some(({ reason }) => reason === "forced");
  const known = forced || !work.cache ? undefined : yield* store.find(name);
  if (known?.found === "sound") {
    yield* handOn(readied, known.entry, work);
    yield* store.keepLatest(pipeline, id, { fingerprint: name, ingredients });
    return { cached: true, outputs: digestsOf(known.entry.outputs) } satisfies Finished;
  }
  const encoded = yield* outputsOf(readied, yield* perform(readied, planned, values, work));
  const outputs = Object.fromEntries(
    yield* Effect.forEach(encoded, ({ port, json }) =>
      Effect.map(
        store.put(new TextEncoder().encode(canonicalJson(json))),
        (blob) => [port, blob] as const,
      )),
  );
  const blobs = encoded.flatMap(({ json }) => blobsIn(json));
  if (work.cache) {
    yield* store.keep({ fingerprint: name, ingredients, outputs, blobs });
    yield* store.keepLatest(pipeline, id, { fingerprint: name, ingredients });
  }
  for (const { port, value } of encoded) {
    const { digest } = outputs[port];
    yield* slots.fill({ stage: id, port }, { digest, load: Effect.succeed(value) });
  }
  return { cached: false, outputs: digestsOf(outputs) } satisfies Finished;
});

const runInFolder = Effect.fnUntraced(function* (
  readied: Readied,
  planned: PlannedStage,
  values: ReadonlyMap<string, Value>,
  work: Work,
) {
  const { id } = readied;
  const encoded = yield* outputsOf(readied, yield* perform(readied, planned, values, work));
  yield* writeRecord(
    work.runDir,
    id,
    Object.fromEntries(encoded.map(({ port, json }) => [port, json])),
  );
  for (const { port, value, json } of encoded) {
    yield* work.slots.fill({ stage: id, port }, {
      digest: digestJson(json),
      load: Effect.succeed(value),
    });
  }
  const outputs = Object.fromEntries(encoded.map(({ port, json }) => [port, digestJson(json)]));
  return { cached: false, outputs } satisfies Finished;
});

/** What a stage of the run folder that owes nothing returned once. */
const recall = Effect.fnUntraced(function* (readied: Readied, work: Work) {
  const record = (yield* readRecord(work.runDir, readied.id)) ?? {};
  for (const [port, type] of valuePorts(readied)) {
    yield* work.slots.fill({ stage: readied.id, port }, {
      digest: digestJson(record[port]),
      load: decoded(type, record[port]),
    });
  }
  const outputs = Object.entries(record).map(([port, json]) => [port, digestJson(json)]);
  return { cached: true, outputs: Object.fromEntries(outputs) } satisfies Finished;
});

const takeFromStore = Effect.fnUntraced(function* (readied: Readied, name: string, work: Work) {
  const found = yield* work.store.find(name);
  if (found.found !== "sound") return undefined;
  yield* handOn(readied, found.entry, work);
  const { fingerprint, ingredients, outputs } = found.entry;
  yield* work.store.keepLatest(work.pipeline, readied.id, { fingerprint, ingredients });
  return { cached: true, outputs: digestsOf(outputs) } satisfies Finished;
});

/** Does with a stage what the plan says, and publishes when it starts and ends. */
export const runStage = (
  readied: Readied,
  planned: PlannedStage,
  work: Work,
): Effect.Effect<Finished, Fault> =>
  Effect.gen(function* () {
    const { id, stage, reads } = readied;
    const { events, slots } = work;
    const finish = (finished: Finished, seconds: number) =>
      Effect.as(
        events.publish({ event: "stage-finished", stage: id, cached: finished.cached, seconds }),
        finished,
      );
    if (planned.action === "complete") return yield* finish(yield* recall(readied, work), 0);
    if (planned.action === "cached") {
      const taken = yield* takeFromStore(readied, planned.fingerprint!, work);
      if (taken !== undefined) return yield* finish(taken, 0);
    }
    const values = new Map<string, Value>();
    for (const [port, outlet] of Object.entries(reads)) {
      if (slots.stream(outlet) === undefined) values.set(port, yield* slots.value(outlet));
    }
    yield* events.publish({ event: "stage-started", stage: id });
    const start = yield* Clock.currentTimeMillis;
    const run = stage.lifetime === "run" ? runInFolder : runCached;
    const finished = yield* run(readied, planned, values, work);
    const now = yield* Clock.currentTimeMillis;
    return yield* finish(finished, Math.max(0, now - start) / 1000);
  });
