// Effect's modules as the runner's contracts name them, and as who imports the runner as a library gets them.
// The trap: `deno doc --lint` reads into packages and wants every type that is named to be public, and every
// public one documented, effect's own too, which nobody here can mend. So what is named stands here as aliases
// marked @internal; effect documents them.
import * as effect from "effect";

/** @internal */
type EffectModule = typeof effect.Effect;
/** Effect's module of this name: work as a value that may fail, be interrupted, be run again. */
export const Effect: EffectModule = effect.Effect;
/** Its types. */
export declare namespace Effect {
  /**
   * Work that gives A, fails with E and needs R.
   * @internal
   */
  export type Effect<A, E = never, R = never> = effect.Effect.Effect<A, E, R>;
}

/** @internal */
type SchemaModule = typeof effect.Schema;
/** Effect's module of this name: what a value is, and how it is decoded and encoded. */
export const Schema: SchemaModule = effect.Schema;
/** Its types. */
export declare namespace Schema {
  /**
   * A schema of T, which is written as E.
   * @internal
   */
  export type Codec<T, E = T> = effect.Schema.Codec<T, E>;
  /**
   * A value of JSON.
   * @internal
   */
  export type Json = effect.Schema.Json;
}

/** @internal */
type StreamModule = typeof effect.Stream;
/** Effect's module of this name: values that come one after another. */
export const Stream: StreamModule = effect.Stream;
/** Its types. */
export declare namespace Stream {
  /**
   * Values A, until it ends or fails with E.
   * @internal
   */
  export type Stream<A, E = never, R = never> = effect.Stream.Stream<A, E, R>;
}
