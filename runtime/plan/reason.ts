// Why a stage will run: one tagged union that the plan holds, the log writes, the terminal prints and the
// tests read. Visitors take it apart, so a new reason does not compile until every reader knows it.
// The trap: `upstream` is a maybe. Its inputs are about to be made; if they come out the same, the stage
// is taken from the store after all.
import { Schema } from "effect";
import { firstFew } from "../../lib/first-few.js";

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

/** `a.b: 1 -> 2, c: nothing -> "x"`, at most a handful. */
export const describeChanges = (
  changes: readonly { readonly key: string; readonly from?: unknown; readonly to?: unknown }[],
): string =>
  firstFew(
    changes.map(({ key, from, to }) =>
      `${key === "" ? "it" : key}: ${shown(from)} -> ${shown(to)}`
    ),
  );

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
