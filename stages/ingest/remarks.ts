// What is worth saying about the pictures as a whole: doubles, enlargements, and the aspect buckets.
// None of it ends a run, and all of it has ruined some.
import type { Example, Size } from "../../inversion/artefacts/examples.ts";

/** For people, about the pictures to train on. */
export function warningsAbout(examples: readonly Example[]): readonly string[] {
  const doubles = [...Map.groupBy(examples, ({ digest }) => digest).values()]
    .map((same) => [...new Set(same.map(({ id }) => id.replace(/#\d+$/, "")))])
    .filter((names) => names.length > 1)
    .map((names) => `${names.join(" and ")} are the same picture: remove all but one.`);
  const enlarged = examples.filter(({ original_size: [height, width], views }) =>
    height < views[0].size[0] || width < views[0].size[1]
  );
  if (enlarged.length === 0) return doubles;
  const shown = enlarged.slice(0, 5).map(({ id, original_size, views }) =>
    `${id} (${sizeText(original_size)} for ${sizeText(views[0].size)})`
  );
  const more = enlarged.length > shown.length ? ` and ${enlarged.length - shown.length} more` : "";
  return [
    ...doubles,
    `Smaller than they are trained at, so enlarged and blurred: ${shown.join(", ")}${more}. ` +
    "Use larger pictures or a lower resolution.",
  ];
}

/** How many pictures are in each aspect bucket: a batch never mixes buckets. */
export function bucketsNote(examples: readonly Example[]): string {
  const buckets = Map.groupBy(examples, ({ views }) => sizeText(views[0].size));
  return `Aspect buckets (width x height): ${
    [...buckets].map(([size, members]) => `${size}: ${members.length}`).join(", ")
  }.`;
}

const sizeText = ([height, width]: Size): string => `${width}x${height}`;
