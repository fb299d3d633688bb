// The result of a "cached" stage: taken from the store, or made and kept there. It is looked for once more
// when the inputs are there, since it may turn out only then that nothing changed.
// The trap: the entry in the store is written last; until then the result does not exist.
import { Effect, Schema } from "effect";
import type { ArtefactEntry } from "../store/artefact-store.ts";
import { blobsIn } from "../store/blobs-in.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { Readied } from "../plan/assess.ts";
import { fingerprint, type Ingredients } from "../plan/fingerprint.ts";
import { valuePorts } from "./stage-result.ts";
import { type Due, type Finished, performStage, type Work } from "./stage-work.ts";

/** Hands on what the store has, each value loaded when somebody asks for it. */
const handOn = Effect.fnUntraced(function* (
  readied: Readied,
  { fingerprint, ingredients, outputs }: ArtefactEntry,
  { store, slots, pipeline }: Work,
) {
  for (const [port, type] of valuePorts(readied)) {
    const blob = outputs[port];
    const load = Effect.flatMap(
      store.get(blob),
      (bytes) =>
        Effect.orDie(
          Schema.decodeUnknownEffect(type.schema)(JSON.parse(new TextDecoder().decode(bytes))),
        ),
    );
    yield* slots.fill({ stage: readied.id, port }, {
      digest: blob.digest,
      load: yield* Effect.cached(load),
    });
  }
  yield* store.keepLatest(pipeline, readied.id, { fingerprint, ingredients });
  const digests = Object.entries(outputs).map(([port, { digest }]) => [port, digest]);
  return { cached: true, outputs: Object.fromEntries(digests) } satisfies Finished;
});

/** Undefined: not in the store, or not unharmed. */
export const takeCached = Effect.fnUntraced(function* (readied: Readied, name: string, work: Work) {
  const found = yield* work.store.find(name);
  return found.found === "sound" ? yield* handOn(readied, found.entry, work) : undefined;
});

const make = Effect.fnUntraced(function* (due: Due, ingredients: Ingredients, work: Work) {
  const { id } = due.readied;
  const { store, slots, pipeline } = work;
  const made = yield* performStage(due, work);
  const blobs = yield* Effect.forEach(
    made,
    ({ json }) => store.put(new TextEncoder().encode(canonicalJson(json))),
  );
  if (work.cache) {
    const name = fingerprint(ingredients);
    yield* store.keep({
      fingerprint: name,
      ingredients,
      outputs: Object.fromEntries(made.map(({ port }, i) => [port, blobs[i]])),
      blobs: made.flatMap(({ json }) => blobsIn(json)),
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

export const takeOrMake = Effect.fnUntraced(function* (due: Due, work: Work) {
  const { stage, options, world } = due.readied;
  const ingredients: Ingredients = {
    stage: stage.name,
    version: stage.version,
    options: options.encoded,
    reads: Object.fromEntries([...due.values].map(([port, { digest }]) => [port, digest])),
    world: world as Schema.Json,
  };
  const forced = due.planned.reasons.some(({ reason }) => reason === "forced");
  const taken = forced || !work.cache
    ? undefined
    : yield* takeCached(due.readied, fingerprint(ingredients), work);
  return taken ?? (yield* make(due, ingredients, work));
});
