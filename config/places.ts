// Of options that say where something is on this machine (`place`): what is shown of them to others, the last
// part.
// An id on the hub is no place; it stays as it is.
// The trap: `sample_data/tiny-sdxl` is an id as well as a path, so the disk decides, as it does when the model
// is opened.
import { lastPart } from "../lib/without-folders.ts";
import { namesRepository } from "../hub/local-path.ts";
import { textsAt, valueAt } from "../runtime/options/decode-source.ts";
import { withTextsAt } from "../lib/mapping.ts";
import type { Place } from "../runtime/options/option.ts";
import type { Places } from "../runtime/stage.ts";
import { optionRows } from "./option-rows.ts";

const keysOf = (isMeant: (place: Place) => boolean): readonly string[] => [
  ...new Set(optionRows().flatMap(({ key, place }) => place && isMeant(place) ? key : [])),
];

/** Where results and downloads go: no result depends on it, and none says it. */
export const targetKeys = (): readonly string[] => keysOf((place) => place === "target");

/** All keys that may say where something is, by their definition. */
export const placeKeys = (): readonly string[] => keysOf(() => true);

/** Of a configuration's values: where what goes in is found, by key, with its last part. */
export async function placesIn(values: unknown): Promise<Places> {
  const places: Record<string, string> = {};
  for (const { key, place } of optionRows()) {
    const value = valueAt(values, key.split("."));
    if (place === undefined || place === "target" || typeof value !== "string") continue;
    const isId = place !== "path" && await namesRepository(value, place);
    if (!isId) places[key] = lastPart(value);
  }
  return places;
}

/** The configuration as others may see it: of each place its last part. */
export function shownValues(values: unknown, places: Places): unknown {
  const targets = Object.entries(textsAt(values, targetKeys()))
    .map(([key, place]) => [key, lastPart(place)]);
  return withTextsAt(values, { ...Object.fromEntries(targets), ...places });
}
