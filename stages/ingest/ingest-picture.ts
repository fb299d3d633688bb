// One picture of the dataset as an example: read, checked, and each of its views rendered, unless the
// store has the view already. The picture is decoded at most once, and only if some view is missing.
// The trap: a view's cache key must name everything that decides its pixels, and nothing else, so that
// changing a crop renders again only what changed.
import { Effect } from "effect";
import type { Example } from "../../inversion/artefacts/examples.ts";
import { type Fault, isFault } from "../../lib/fault.ts";
import { sha256 } from "../../lib/sha256.ts";
import type { StageTools } from "../../runtime/stage.ts";
import type { PictureSource, Source } from "./dataset/listing.ts";
import { decodeMask, placeMask } from "./decode-mask.ts";
import { decodePicture } from "./decode-picture.ts";
import {
  damaged,
  type PictureHeader,
  type PictureRules,
  readPictureHeader,
} from "./picture-header.ts";
import { readableBytes } from "./readable-bytes.ts";
import { renderView } from "./render-view.ts";
import type { Pixels } from "./resample.ts";
import { type PlannedView, planViews, type ViewOptions } from "./views.ts";

/** Raised when the same picture and view would give other pixels. */
const renderVersion = 1;

/** TIFFs that came out in wrong colours before. */
const readVersion = ({ tiff }: PictureHeader) =>
  tiff !== null && (tiff.ycbcr || tiff.spareChannel) ? { read: 2 } : {};

export interface Ingested {
  readonly example: Example;
  readonly warnings: readonly string[];
}

/** Fails with PictureFault or MaskFault, which name the file. */
export const ingestPicture = Effect.fn("ingestPicture")(function* (
  source: Source,
  rules: PictureRules,
  views: ViewOptions,
  tools: Pick<StageTools, "seed" | "memo" | "get">,
) {
  const warnings: string[] = [];
  const picture = yield* open(source, rules);
  const { header, digest, bytes } = picture;
  if (header.frames > 1) {
    warnings.push(`${source.name} holds ${header.frames} pictures: only the first is used.`);
  }
  const pixels = yield* Effect.cached(
    attempt(source, () => decodePicture(bytes, header, source.file)),
  );
  const mask = source.mask === null ? null : yield* openMask(source.mask, rules, picture);
  if (mask !== null) warnings.push(...mask.warnings);

  const renderPlanned = Effect.fnUntraced(function* (plan: PlannedView) {
    const { resized, cut, ...about } = plan;
    const key = { render: renderVersion, resized, cut, size: plan.size, flipped: plan.flipped };
    const render = (decoded: Effect.Effect<Pixels, Fault>) =>
      Effect.map(decoded, (pixels) => renderView(pixels, plan));
    const viewPixels = yield* tools.memo(
      { ...key, picture: digest, orientation: header.orientation, ...readVersion(header) },
      render(pixels),
    );
    if (mask === null) return { ...about, pixels: viewPixels, mask: null };
    const viewMask = yield* tools.memo(
      { ...key, mask: mask.digest, orientation: mask.orientation, ...readVersion(mask.header) },
      render(mask.pixels),
    );
    return { ...about, pixels: viewPixels, mask: viewMask };
  });

  const planned = planViews(header.size, digest, tools.seed, views);
  const example: Example = {
    id: source.name,
    digest,
    original_size: header.size,
    caption: source.caption,
    views: yield* Effect.forEach(planned, renderPlanned),
  };
  return { example, warnings } satisfies Ingested;
});

interface Opened {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly header: PictureHeader;
}

const open = (source: PictureSource, rules: PictureRules): Effect.Effect<Opened, Fault> =>
  attempt(source, async () => {
    const bytes = await source.read();
    const header = await readPictureHeader(bytes, source.file, rules);
    const digest = sha256(bytes);
    return { file: source.file, bytes, digest, header };
  });

const openMask = Effect.fnUntraced(function* (
  source: PictureSource,
  rules: PictureRules,
  picture: Opened,
) {
  const mask = yield* open(source, rules);
  const placed = yield* attempt(source, () => placeMask(mask, picture));
  const pixels = yield* Effect.cached(
    attempt(
      source,
      async () =>
        decodeMask(await readableBytes(mask.bytes, mask.header), source.file, placed.orientation),
    ),
  );
  return { ...placed, file: source.file, digest: mask.digest, header: mask.header, pixels };
});

const attempt = <A>({ file }: PictureSource, make: () => Promise<A> | A): Effect.Effect<A, Fault> =>
  Effect.tryPromise({
    try: async () => await make(),
    catch: (cause) => isFault(cause) ? cause : damaged(file, cause),
  });
