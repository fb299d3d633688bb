// One option of the configuration: a Schema with its doc line, unit and default as annotations, so
// that decoding, `--explain`, the editors' JSON Schema and a run's identity all read one place.
// The trap: an option counts towards a run's identity unless `keepsRun` says that changing it
// changes neither the data nor the objective; and an option that came after the first version must be
// `late`, or else every run and stored result of before would have another name.
import { Effect, Schema } from "effect";

/** Where results and downloads go; a path; or a path where it is no id of a model or dataset on a hub. */
export type Place = "target" | "path" | "model" | "dataset";

export interface About {
  /** What it does, in one or two plain sentences. */
  readonly doc: string;
  readonly unit?: string;
  /** Changing it changes neither the data nor the objective: the same run goes on. */
  readonly keepsRun?: true;
  /**
   * No result depends on it: it says where an input is (what is there is asked of it, and counts), or how many
   * work on it. Neither fingerprints nor a run's name hold it.
   */
  readonly unhashed?: true;
  /** It says where something is on this machine: what is shown of it to others is its app's to say. */
  readonly place?: Place;
  /**
   * It came after the first version, and its default does what was done before: at its default it is as if
   * it were not there, in a run's identity, in fingerprints and in what a result says of itself. So its
   * default never changes.
   */
  readonly late?: true;
  /** Values of before that it no longer takes, and what to do in their place. */
  readonly retired?: Readonly<Record<string, string>>;
}

const annotations = ({ doc, unit, keepsRun, unhashed, place, late, retired }: About) => ({
  description: doc,
  ...(unit === undefined ? {} : { "x-unit": unit }),
  ...(keepsRun === undefined ? {} : { "x-keeps-run": true }),
  ...(unhashed === undefined ? {} : { "x-unhashed": true }),
  ...(place === undefined ? {} : { "x-place": place }),
  ...(late === undefined ? {} : { "x-late": true }),
  ...(retired === undefined ? {} : { "x-retired": retired }),
});

/** Annotation keys of our own that go into the JSON Schema beside the standard ones. */
export const annotationKeys: readonly string[] = [
  ...["x-unit", "x-keeps-run", "x-unhashed", "x-place", "x-late", "x-retired"],
];

/** An option that must be given. */
export const required = <S extends Schema.Top>(schema: S, about: About): S =>
  schema.annotate(annotations(about)) as unknown as S;

/** An option that may be left out. */
export const option = <S extends Schema.Top>(
  schema: S,
  about: About & { readonly default: S["Encoded"] },
): Schema.withDecodingDefaultKey<S> =>
  (schema.annotate({ ...annotations(about), default: about.default }) as unknown as S).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(about.default)),
  );

/** The key that tells the members of a union apart; left out, the other keys decide. */
export const tag = <const Tag extends string>(value: Tag, doc: string) =>
  option(Schema.Literal(value), { doc, default: value });

export const intFrom = (minimum: number) =>
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum));

export const intBetween = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }));

export const positive = Schema.Finite.check(Schema.isGreaterThan(0));

export const notNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));
