// What is worth saying about the pictures as a whole: doubles, enlargements, and what is cut away.
// None of it ends a run, and all of it has ruined some.
import type { Example, Size } from "../../inversion/artefacts/examples.ts";
import { firstFew } from "../../lib/first-few.js";

/** For people, about the pictures to train on. */
export function warningsAbout(examples: readonly Example[]): readonly string[] {
  const doubles = [...Map.groupBy(examples, ({ digest }) => digest).values()]
    .map((same) => [...new Set(same.map(({ id }) => id.replace(/#\d+$/, "")))])
    .filter((names) => names.length > 1)
    .map((names) => `${names.join(" and ")} are the same picture: remove all but one.`);
  const enlarged = examples.filter(({ original_size: [height, width], views }) =>
    height < views[0].size[0] || width < views[0].size[1]
  );
  const cut = examples.map((example) => ({ ...example, kept: keptShare(example) }))
    .filter(({ kept }) => kept < 0.5);
  return [
    ...doubles,
    ...(enlarged.length === 0 ? [] : [
      `Smaller than they are trained at, so enlarged and blurred: ${few(enlarged)}. ` +
      "Use larger pictures or a lower resolution.",
    ]),
    ...(cut.length === 0 ? [] : [
      `Most of these is cut away, ${
        Math.round(100 * (1 - Math.min(...cut.map(({ kept }) => kept))))
      } % at the worst: ${few(cut)}. Crop them yourself, or use aspect_ratio_buckets with sides ` +
      "that fit.",
    ]),
  ];
}

/** How much of the picture's area is in a view of it. */
function keptShare({ original_size: [height, width], views: [{ size }] }: Example): number {
  const scale = Math.max(size[0] / height, size[1] / width);
  return size[0] * size[1] / (height * scale * width * scale);
}

const few = (examples: readonly Example[]): string =>
  firstFew(
    examples.map(({ id, original_size, views }) =>
      `${id} (${sizeText(original_size)} for ${sizeText(views[0].size)})`
    ),
  );

const sizeText = ([height, width]: Size): string => `${width}x${height}`;
