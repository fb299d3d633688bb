// A trial as others may see it, in a winner's metadata and in `--csv`: of each place the last part.
// The trap: the sweep of an older gnomic does not say which options are places; there a text that looks like a
// path is taken for one, and a relative path is not recognised.
import { dirname, resolve } from "node:path";
import { withTextsAt } from "../lib/mapping.ts";
import { jsonWithoutFolders, lastPart, withoutFolders } from "../lib/without-folders.ts";
import type { LeaderboardRow } from "./leaderboard.ts";

type Overrides = LeaderboardRow["overrides"];

/** What it varies. */
export const shownOverrides = (
  { overrides, places }: Pick<LeaderboardRow, "overrides" | "places">,
): Overrides =>
  places === null ? jsonWithoutFolders(overrides) : withTextsAt(
    overrides,
    Object.fromEntries(Object.entries(places).map(([key, place]) => [key, lastPart(place)])),
  ) as Overrides;

/** What it said; null: nothing. */
export const shownMessage = (
  { message, places, run }: Pick<LeaderboardRow, "message" | "places" | "run">,
): string | null => {
  const known = Object.values(places ?? {}).flatMap((place) => [place, resolve(place)]);
  return message === null ? null : withoutFolders(message, [...known, run, dirname(run)]);
};
