// The name of a stage's result before it is made: SHA-256 over everything that decides it, and over
// nothing else. No paths, times, run ids, worker counts or log levels.
// The trap: when what is hashed changes its form, raise `fingerprintSchema`, or old entries are reused.
import { Schema } from "effect";
import { digestJson } from "../../lib/canonical-json.ts";

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
