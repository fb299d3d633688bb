// A pipeline composed in TypeScript instead of YAML, for those who write programs: a wiring that does not
// fit does not compile. `pipeline("x").stage("read", read).stage("count", count, { words: "read.words" })`.
// The trap: stages are named in order; one can only read what stands before it.
import type { ArtefactType, Ports } from "../artefact.ts";
import type { AnyStage, Stage } from "../stage.ts";
import type { PipelineStep, StageUse } from "./pipeline.ts";

/**
 * All outputs so far, `stage.port` to its type.
 * @internal
 */
type OutputsOf<Id extends string, Writes extends Ports> = {
  readonly [Port in keyof Writes & string as `${Id}.${Port}`]: Writes[Port];
};

/** The names of the outputs whose artefact is exactly `Type`. */
type Fitting<Known, Type> = {
  [Name in keyof Known]: Known[Name] extends Type ? Name : never;
}[keyof Known];

/** What a writer of an input declares: the same without `optional`. */
type Written<T> = T extends ArtefactType<infer Name, infer A> & { readonly kind: infer Kind }
  ? ArtefactType<Name, A> & { readonly kind: Kind }
  : never;

type OptionalPort<Reads extends Ports, Port extends keyof Reads> = Reads[Port] extends
  { readonly optional: true } ? Port : never;

type Wiring<Known, Reads extends Ports> =
  & {
    readonly [Port in keyof Reads as Exclude<Port, OptionalPort<Reads, Port>>]: Fitting<
      Known,
      Written<Reads[Port]>
    >;
  }
  & {
    readonly [Port in keyof Reads as OptionalPort<Reads, Port>]?: Fitting<
      Known,
      Written<Reads[Port]>
    >;
  };

type Extras = Omit<StageUse, "use" | "reads">;

/**
 * `reads` is only left out where there is nothing to read.
 * @internal
 */
type Rest<Known, Reads extends Ports> = keyof Reads extends never
  ? [reads?: Wiring<Known, Reads>, extras?: Extras]
  : [reads: Wiring<Known, Reads>, extras?: Extras];

/** A pipeline as a value; `Known` is what its stages write so far. */
export interface Composition<Known> {
  /** Its own. */
  readonly name: string;
  /** Its stages, in order. */
  readonly steps: readonly PipelineStep[];
  /** The pipeline with one stage more, under an id without a dot; `reads` names outputs, by port. */
  readonly stage: <const Id extends string, Options, Reads extends Ports, Writes extends Ports>(
    id: Id extends `${string}.${string}` ? never : Id,
    stage: Stage<Options, Reads, Writes>,
    ...rest: Rest<Known, Reads>
  ) => Composition<Known & OutputsOf<Id, Writes>>;
}

const compose = <Known>(name: string, steps: readonly PipelineStep[]): Composition<Known> => ({
  name,
  steps,
  stage: (id, stage, ...rest) => {
    const [reads, extras] = rest;
    const use: StageUse = {
      use: stage.name,
      ...(reads === undefined ? {} : { reads: reads as Record<string, string> }),
      ...extras,
    };
    return compose(name, [...steps, { id, stage: stage as AnyStage, use }]);
  },
});

/** An empty pipeline to add stages to. */
export const pipeline = (name: string): Composition<Record<never, never>> => compose(name, []);
