// A whole dataset as examples, in the dataset's order, with everything that is wrong with it said at
// once and everything that is odd about its pictures said as warnings; what is odd about the list of them is said
// while a run is planned.
// The trap: with `skip_bad_images` only pictures that cannot be read are skipped; a mask of another
// shape than its picture is a mistake in the data and still ends the run.
import { Effect } from "effect";
import type { Dataset } from "../../config/dataset.ts";
import { allFaults, type Fault, isFault } from "../../lib/fault.ts";
import { tryWithProgress } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { listDataset, type ListingTools } from "./dataset/list-dataset.ts";
import { DatasetFault, type Listing, type Source } from "./dataset/listing.ts";
import { ingestPicture } from "./ingest-picture.ts";
import { PictureFault, type PictureRules } from "./picture-header.ts";
import type { ViewOptions } from "./views.ts";

export interface DatasetRules extends PictureRules {
  readonly views: ViewOptions;
  readonly skipBad: boolean;
  /** "none" reads no masks; "all" fails when a picture has none. */
  readonly masks: "none" | "any" | "all";
  /** Only pictures of these ids; the rest are as if they were not there. */
  readonly only?: ReadonlySet<string>;
}

export type IngestTools = Pick<
  StageTools,
  "seed" | "memo" | "get" | "emit" | "progress" | "concurrency"
>;

export interface ListedTools extends Pick<ListingTools, "offline" | "masks"> {
  /** Of a download, in bytes. */
  readonly progress?: StageTools["progress"];
}

/** Lists a dataset; fails only with what is not about its content (NotDownloaded, the network). */
export const listed = (
  dataset: Dataset,
  { offline, masks, progress = () => Effect.void }: ListedTools,
): Effect.Effect<Listing, Fault> =>
  tryWithProgress(
    (done, total, unit = "bytes") => progress(done, total, unit),
    (onProgress) =>
      listDataset(dataset, { offline, masks, onProgress }).catch((cause) => {
        throw isFault(cause) ? cause : unexpected(dataset, cause);
      }),
  );

/** Lists a dataset; fails with all that is wrong with it. */
export const soundListing = (dataset: Dataset, tools: ListedTools) =>
  Effect.flatMap(
    listed(dataset, tools),
    (listing) =>
      listing.faults.length === 0
        ? Effect.succeed(listing)
        : Effect.fail(allFaults(listing.faults)),
  );

export const ingestDataset = Effect.fn("ingestDataset")(function* (
  dataset: Dataset,
  rules: DatasetRules,
  tools: IngestTools,
) {
  const listing = yield* soundListing(dataset, { offline: false, masks: rules.masks !== "none" });
  const { only } = rules;
  const sources = listing.sources.filter(({ name }) => only?.has(name) ?? true);
  const unmasked = rules.masks === "all" ? withoutMasks(sources) : [];
  if (unmasked.length > 0) return yield* Effect.fail(allFaults(unmasked));
  const warn = (text: string) => tools.emit({ event: "warning", text });
  let done = 0;
  const [ingested, failed] = yield* Effect.partition(
    sources,
    (source) =>
      Effect.ensuring(
        Effect.mapError(ingestPicture(source, rules, rules.views, tools), (fault) => ({
          name: source.name,
          fault,
        })),
        Effect.suspend(() => tools.progress(++done, sources.length, "pictures")),
      ),
    { concurrency: tools.concurrency },
  );
  const skipped = rules.skipBad ? failed.filter(({ fault }) => fault instanceof PictureFault) : [];
  if (failed.length > skipped.length || ingested.length === 0) {
    return yield* Effect.fail(allFaults(failed.map(({ fault }) => fault)));
  }
  yield* Effect.forEach(
    skipped.slice(0, 5),
    ({ name, fault: { found } }) => warn(`${name} is skipped: ${found}.`),
  );
  if (skipped.length > 5) {
    const rest = skipped.slice(5).map(({ name }) => name);
    const are = rest.length === 1 ? "1 more picture is" : `${rest.length} more pictures are`;
    yield* warn(`${are} skipped: ${rest.join(", ")}.`);
  }
  yield* Effect.forEach(ingested.flatMap(({ warnings }) => warnings), warn);
  return ingested.map(({ example }) => example);
});

/** A fault that names the pictures without a mask, if there are any. */
export const withoutMasks = (sources: readonly Source[]): readonly Fault[] => {
  const without = sources.filter(({ mask }) => mask === null).map(({ file }) => file);
  if (without.length === 0) return [];
  return [
    new DatasetFault({
      key: "use_masks",
      wanted: "a mask for every picture",
      found: `none for ${without.slice(0, 5).join(", ")}${without.length > 5 ? ", ..." : ""}`,
      fix: 'Give each line of an IMAGE_CAPTION_JSONL_DATASET a path in "mask" (other kinds of ' +
        "dataset have no masks), or set use_masks to false.",
    }),
  ];
};

const unexpected = (dataset: Dataset, cause: unknown): DatasetFault =>
  new DatasetFault({
    key: "data_loader.dataset",
    wanted: `to read this ${dataset.type}`,
    found: cause instanceof Error ? cause.message : String(cause),
    fix: "Check that the dataset's files may be read.",
    cause,
  });
