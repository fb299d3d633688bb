// From what a user types to a run: its name, the beginning of its name, a path, or `latest`.
// The trap: a path is taken as one only if it has a separator or begins with a dot, so that a folder in
// the current directory does not stand in for a run of its name.
import { isAbsolute, join } from "node:path";
import { Effect } from "effect";
import { type Fault, fault } from "../../lib/fault.ts";
import { firstFew } from "../../lib/first-few.js";
import { isThere } from "../../lib/look.ts";
import { nearest } from "../../lib/nearest.ts";
import { isRunFolder } from "../run-folder/run-files.ts";
import { type SurveyedRun, surveyRun, surveyRuns } from "./survey.ts";

export class NoSuchRun extends fault("NoSuchRun", "user") {}

const isPath = (text: string) => isAbsolute(text) || /[\\/]/.test(text) || /^\.\.?$/.test(text);

const atPath = (
  path: string,
  where: Pick<RunSearch, "key">,
): Effect.Effect<SurveyedRun, Fault> =>
  Effect.gen(function* () {
    if (yield* isRunFolder(path)) return yield* surveyRun(path);
    const found = yield* isThere(path);
    return yield* Effect.fail(
      new NoSuchRun({
        ...where,
        file: path,
        wanted: "the folder of a run",
        found: found ? "one without run.json, events.jsonl or a state" : "nothing",
        fix: "`runs list` shows the runs; --output names the folder that they are in.",
      }),
    );
  });

const mostShown = 8;

export interface RunSearch {
  /** The option that names the run, for the fault. */
  readonly key?: string;
  /** Which runs `latest` and the beginning of a name may mean. */
  readonly among?: (run: SurveyedRun) => boolean;
}

/** Fails with NoSuchRun. */
export const findRun = (
  text: string,
  base: string,
  { key, among = () => true }: RunSearch = {},
): Effect.Effect<SurveyedRun, Fault> =>
  Effect.gen(function* () {
    const where = key === undefined ? {} : { key };
    if (isPath(text)) return yield* atPath(text, where);
    if (text !== "latest" && text !== "" && (yield* isRunFolder(join(base, text)))) {
      return yield* surveyRun(join(base, text));
    }
    const runs = (yield* surveyRuns(base)).filter(among);
    if (text === "latest" && runs.length > 0) {
      return runs.reduce((last, run) => run.touchedAt >= last.touchedAt ? run : last);
    }
    const found = text === "" ? [] : runs.filter(({ name }) => name.startsWith(text));
    if (found.length === 1) return found[0];
    const names = (found.length > 1 ? found : runs).map(({ name }) => name);
    const guess = nearest(text, names);
    return yield* Effect.fail(
      new NoSuchRun({
        ...where,
        file: base,
        wanted: text === "latest"
          ? "a run"
          : `one run whose name begins with ${JSON.stringify(text)}`,
        found: names.length === 0
          ? "no runs"
          : found.length > 1
          ? `${found.length}: ${firstFew(names, mostShown)}`
          : `none among ${firstFew(names, mostShown)}`,
        fix: names.length === 0
          ? "--output names the folder that the runs are in."
          : found.length > 1
          ? "Type more of the name."
          : `${guess === undefined ? "" : `Is it ${guess}? `}\`runs list\` shows all of them.`,
      }),
    );
  });
