// How many pictures a training has, as far as is known before any is read: by what `ingest` says of them.
// The trap: pictures that cannot be read may be skipped later, so there are at most so many.
import { Schema } from "effect";
import { fewestToHoldOutOf, fixedLossFields } from "../config/fixed-loss.ts";
import { optimizerFields } from "../config/optimizer.ts";

/** What `ingest` says of the pictures before it runs: those of the dataset, then those held out. */
const Pictures = Schema.Array(Schema.Struct({ sources: Schema.Array(Schema.Json) }));

export interface PictureCounts {
  /** At least 1. */
  readonly trained: number;
  readonly heldOut: number;
}

/** Null where nobody can say yet. */
export function pictureCounts(
  { fixed_loss_holdout }: { readonly fixed_loss_holdout: number },
  ingested: unknown,
): PictureCounts | null {
  if (!Schema.is(Pictures)(ingested) || ingested.length === 0) return null;
  const [all, apart] = ingested.map(({ sources }) => sources.length);
  const aside = apart !== undefined || all < fewestToHoldOutOf ? 0 : fixed_loss_holdout;
  return { trained: Math.max(1, all - aside), heldOut: apart ?? aside };
}

const Batch = Schema.Struct({
  train_batch_size: optimizerFields.train_batch_size,
  fixed_loss_holdout: fixedLossFields.fixed_loss_holdout,
});

/** As large as a batch can get, for which memory and graphs are planned, and of how many pictures. */
export function picturesAtOnce(values: Readonly<Record<string, unknown>>, ingested: unknown) {
  const options = Schema.decodeUnknownSync(Batch)(values);
  const trained = pictureCounts(options, ingested)?.trained;
  return {
    train_batch_size: Math.min(options.train_batch_size, trained ?? Infinity),
    trained,
  };
}

/** Said where a batch would hold more than there are. */
export const batchNotes = (batch: number, trained: number | undefined): readonly string[] =>
  trained === undefined || batch <= trained ? [] : [
    `train_batch_size ${batch}: there ${
      trained === 1 ? "is 1 picture" : `are ${trained} pictures`
    } ` +
    `to train on, so a batch holds ${trained}, and is planned so.`,
  ];
