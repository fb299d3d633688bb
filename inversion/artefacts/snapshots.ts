// What optimise-embeddings says while it trains: the rows at the steps where something is due. A stream:
// `checkpoint` and `validate` read it beside the training, and again from the start after a resume.
// The trap: rows here are float32, as files hold them; the training's own are float64.
import { Schema } from "effect";
import { Blob, stream } from "../../runtime/artefact.ts";

/** Rows of both encoders: float32 clip_l [vectors, widths[0]], then clip_g [vectors, widths[1]]. */
export const Rows = Schema.Struct({
  blob: Blob,
  vectors: Schema.Int,
  widths: Schema.Tuple([Schema.Int, Schema.Int]),
});
export type Rows = typeof Rows.Type;

export const Snapshot = Schema.Struct({
  /** Finished optimizer steps and epochs. */
  step: Schema.Int,
  epoch: Schema.Int,
  rows: Rows,
  /** Write a checkpoint of it. */
  save: Schema.Boolean,
  /** Make pictures of it; `prompts` stands in for the configured ones. */
  validate: Schema.NullOr(Schema.Struct({ prompts: Schema.NullOr(Schema.Array(Schema.String)) })),
  /** The best rows so far by the fixed-input loss. */
  best: Schema.NullOr(Schema.Struct({ step: Schema.Int, epoch: Schema.Int, rows: Rows })),
  /** Nothing comes after it. */
  last: Schema.Boolean,
  /** Ended before the last step because the fixed-input loss had settled. */
  early: Schema.Boolean,
});
export type Snapshot = typeof Snapshot.Type;

export const snapshots = stream("snapshots", Snapshot);

export interface EncoderRows {
  readonly clip_l: Float32Array;
  readonly clip_g: Float32Array;
}

export const packRows = (clip_l: ArrayLike<number>, clip_g: ArrayLike<number>): Uint8Array => {
  const all = new Float32Array(clip_l.length + clip_g.length);
  all.set(clip_l);
  all.set(clip_g, clip_l.length);
  return new Uint8Array(all.buffer);
};

export function unpackRows({ vectors, widths }: Rows, bytes: Uint8Array): EncoderRows {
  const all = new Float32Array(bytes.slice().buffer);
  const split = vectors * widths[0];
  return { clip_l: all.slice(0, split), clip_g: all.slice(split) };
}

const eight = (count: number) => String(count).padStart(8, "0");

/** How a step is named in a run folder, as the reference names it: `epoch_XXXXXXXX-step_XXXXXXXX`. */
export const stepName = (epoch: number, step: number): string =>
  `epoch_${eight(epoch)}-step_${eight(step)}`;
