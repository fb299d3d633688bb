// The name of a stage's result before it is made: SHA-256 over everything that decides it, and over
// nothing else. No paths, times, run ids, worker counts or log levels.
// The trap: when what is hashed changes its form, raise `fingerprintSchema`, or old entries are reused.
import { Schema } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";
import type { OutputRef } from "../pipeline/wiring.ts";
import { type Change, jsonDifference } from "../../lib/json-difference.ts";

const fingerprintSchema = 1;

/** What decides a stage's result. */
export const CacheKey = Schema.Struct({
  stage: Schema.String,
  version: Schema.Finite,
  /** The stage's slice of the configuration, encoded. */
  options: Schema.Json,
  /** Digest of each input artefact, by port. */
  reads: Schema.Record(Schema.String, Schema.String),
  /** What the stage's `inputs` said of the world outside: pictures, weights. */
  world: Schema.Json,
});
export type CacheKey = typeof CacheKey.Type;

export const fingerprint = (ingredients: CacheKey): string =>
  digestJson({ schema: fingerprintSchema, ...ingredients });

// Compares what a stage would be made of with what its last result was made of, and says the difference
// as reasons. The trap: the last result is the last one of this pipeline's stage in this store, of
// whichever run; it explains, it decides nothing.

type JsonChange = Extract<Reason, { reason: "config-changed" }>["changes"][number];

/** What is known of a stage before its inputs are there. */
export type Known = Omit<CacheKey, "reads"> & {
  /** Digest of each input that is known. */
  readonly reads: Readonly<Record<string, string | undefined>>;
};

const changes = (before: unknown, after: unknown): readonly JsonChange[] =>
  jsonDifference(before, after) as readonly Change[] as readonly JsonChange[];

/** Empty if nothing that is known differs. */
export function whyAnew(
  before: CacheKey | undefined,
  now: Known,
  reads: Readonly<Record<string, OutputRef>>,
  describe?: (before: unknown, now: unknown) => string,
): readonly Reason[] {
  if (before === undefined) return [{ reason: "new" }];
  if (before.stage !== now.stage) {
    return [{ reason: "stage-replaced", from: before.stage, to: now.stage }];
  }
  const config = changes(before.options, now.options);
  const source = changes(before.world, now.world);
  const said = { changes: source, ...(describe && { what: describe(before.world, now.world) }) };
  return [
    ...(before.version === now.version
      ? []
      : [{ reason: "version-changed", from: before.version, to: now.version } as const]),
    ...(config.length === 0 ? [] : [{ reason: "config-changed", changes: config } as const]),
    ...(source.length === 0 ? [] : [{ reason: "source-changed", ...said } as const]),
    ...Object.entries(now.reads)
      .filter(([port, digest]) => digest !== undefined && before.reads[port] !== digest)
      .map(([port]) => ({ reason: "input-changed", port, from: reads[port].stage } as const)),
  ];
}

// Why a stage will run: one tagged union that the plan holds, the log writes, the terminal prints and the
// tests read. Visitors take it apart, so a new reason does not compile until every reader knows it.
// The trap: `upstream` is a maybe. Its inputs are about to be made; if they come out the same, the stage
// is taken from the store after all.

const { Array: List, Finite, Json, optionalKey, String: Text } = Schema;

const reason = <const Tag extends string, const F extends Schema.Struct.Fields>(
  tag: Tag,
  fields: F,
) => Schema.Struct({ reason: Schema.tag(tag), ...fields });

const ChangeOf = Schema.Struct({ key: Text, from: optionalKey(Json), to: optionalKey(Json) });

export const Reason = Schema.Union([
  reason("new", {}),
  reason("output-missing", { what: Text }),
  reason("output-corrupt", { what: Text }),
  reason("config-changed", { changes: List(ChangeOf) }),
  /** Pictures, weights: what the stage's `inputs` says of the world. */
  reason("source-changed", { changes: List(ChangeOf), what: optionalKey(Text) }),
  /** An artefact that it reads is another one now. */
  reason("input-changed", { port: Text, from: Text }),
  reason("version-changed", { from: Finite, to: Finite }),
  /** Another stage stood under this id. */
  reason("stage-replaced", { from: Text, to: Text }),
  reason("forced", { by: Text }),
  reason("upstream", { stages: List(Text) }),
  reason("not-downloaded", { what: Text }),
  /** A stage of the run folder that has work left. */
  reason("owed", { what: Text, step: optionalKey(Finite) }),
]);
export type Reason = typeof Reason.Type;

export type ReasonVisitor<A> = {
  readonly [Tag in Reason["reason"]]: (reason: Extract<Reason, { reason: Tag }>) => A;
};

const visitReason = <A>(reason: Reason, visitor: ReasonVisitor<A>): A =>
  (visitor[reason.reason] as (reason: Reason) => A)(reason);

const shown = (value: unknown): string => {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const mostShown = 5;

/** `a.b: 1 -> 2, c: nothing -> "x"`, at most a handful. */
export function describeChanges(
  changes: readonly { readonly key: string; readonly from?: unknown; readonly to?: unknown }[],
): string {
  const lines = changes.slice(0, mostShown)
    .map(({ key, from, to }) => `${key === "" ? "it" : key}: ${shown(from)} -> ${shown(to)}`);
  const more = changes.length - lines.length;
  return more > 0 ? `${lines.join(", ")} and ${more} more` : lines.join(", ");
}

/** One line for people. */
export const describeReason = (reason: Reason): string =>
  visitReason(reason, {
    new: () => "new",
    "output-missing": ({ what }) => `its output is missing (${what})`,
    "output-corrupt": ({ what }) => `its output is corrupt (${what})`,
    "config-changed": ({ changes }) => `config changed (${describeChanges(changes)})`,
    "source-changed": ({ changes, what = describeChanges(changes) }) => `source changed (${what})`,
    "input-changed": ({ port, from }) => `input changed (${port} of ${from})`,
    "version-changed": ({ from, to }) => `version changed (${from} -> ${to})`,
    "stage-replaced": ({ from, to }) => `another stage (${from} -> ${to})`,
    forced: ({ by }) => `forced (${by})`,
    upstream: ({ stages }) => `upstream runs (${stages.join(", ")})`,
    "not-downloaded": ({ what }) => `not downloaded (${what})`,
    owed: ({ what }) => what,
  });
