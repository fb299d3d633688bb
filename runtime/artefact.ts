// What stages exchange. An artefact is immutable JSON described by a Schema; big bytes (pixels,
// latents, rows) live beside it in the content-addressed store as blobs and are referred to by
// digest. A stream is an artefact that grows while its writer runs: readers start with the writer.
// The trap: put nothing into an artefact that depends on when or where it was made (times, paths).
import { Schema } from "../lib/effect.ts";

/** A reference to bytes in the store. */
export interface Blob {
  /** SHA-256 in hex. */
  readonly digest: string;
  /** How many. */
  readonly bytes: number;
}
/** How it is written into an artefact. */
export const Blob: Schema.Codec<Blob> = Schema.Struct({
  digest: Schema.String,
  bytes: Schema.Int,
});

/** A type of what stages exchange. */
export interface ArtefactType<out Name extends string, in out A> {
  /** Given when its writer ends, or while it runs. */
  readonly kind: "value" | "stream";
  /** Two of one name are one type. */
  readonly name: Name;
  /** Encodes the value (of a stream: each element) to JSON. */
  readonly schema: Schema.Codec<A, any>;
  /** As an input: a pipeline may leave it out. */
  readonly optional?: true;
  /** Shown before it is whole, and as an input taken so. */
  readonly drafted?: true;
}

/** Whatever it holds. */
export type AnyArtefactType = ArtefactType<string, any>;

/** What a stage reads or writes, by the names that it gives its ports. */
export type Ports = Readonly<Record<string, AnyArtefactType>>;

export const portsOf = (ports: Ports): readonly (readonly [string, AnyArtefactType])[] =>
  Object.entries(ports);

/** An artefact that its writer returns. */
export const artefact = <const Name extends string, A>(
  name: Name,
  schema: Schema.Codec<A, any>,
): ArtefactType<Name, A> & { readonly kind: "value" } => ({ kind: "value", name, schema });

/** An artefact that grows: each element is of this schema. */
export const stream = <const Name extends string, A>(
  name: Name,
  schema: Schema.Codec<A, any>,
): ArtefactType<Name, A> & { readonly kind: "stream" } => ({ kind: "stream", name, schema });

/** An input that a pipeline may leave unwired; the stage then gets undefined. */
export const optional = <T extends AnyArtefactType>(type: T): T & { readonly optional: true } => ({
  ...type,
  optional: true,
});

/**
 * A value that its writer may show while it makes it, and with which its reader begins (`Drafted`): as of a
 * list its first items. Each draft is of the value's own type. Only the value itself is ever kept.
 */
export const drafted = <T extends AnyArtefactType>(type: T): T & { readonly drafted: true } => ({
  ...type,
  drafted: true,
});
