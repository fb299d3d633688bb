// What of a run's configuration and texts may be shown to others: of each place its last part, of each
// picture its number. The trap: messages and errors name files too, in whatever words they have.
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { Result, Schema } from "effect";
import { placesIn, shownValues, targetKeys } from "../../config/places.ts";
import { pictureNames } from "../../inversion/origins.ts";
import { readUtf8 } from "../../lib/plain-files.ts";
import { withoutFolders } from "../../lib/without-folders.ts";
import { valueAt } from "../../runtime/options/decode-source.ts";
import type { RunState } from "../reading/run-reader.ts";
import { manifestFile } from "../../runtime/run-folder/run-files.ts";

const Facts = Schema.Struct({
  configuration: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  places: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  inputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
});
const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Facts));

export interface ShownRun {
  /** Undefined while there is none to be read. */
  readonly configuration: unknown;
  readonly state: (state: RunState) => RunState;
}

/** A picture's name as a word of its own. Without an ending it may be any word, and stays. */
function naming(name: string): RegExp | null {
  const escaped = name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  return /\.\w{2,5}$/.test(name)
    ? new RegExp(`(?<![\\w.-])(?:[^\\s"']*[\\\\/])?${escaped}(?![\\w-])`, "g")
    : null;
}

export async function shownRun(runDir: string): Promise<ShownRun> {
  const text = await readUtf8(manifestFile(runDir)).catch(() => "{}");
  const read = decode(text);
  const { configuration, places, inputs = {} } = Result.isSuccess(read) ? read.success : {};
  const shownAs = places ?? await placesIn(configuration);
  const folders = [homedir(), process.cwd(), dirname(resolve(runDir)), resolve(runDir)];
  for (const key of [...targetKeys(), ...Object.keys(shownAs)]) {
    const value = valueAt(configuration, key.split("."));
    if (typeof value === "string") folders.push(value, resolve(value));
  }
  const pictures = pictureNames(inputs).flatMap((names) =>
    names.map((name, i) => [naming(name), `picture ${i + 1}`] as const)
  );
  const shown = (given: string): string =>
    pictures.reduce(
      (left, [name, number]) => name === null ? left : left.replaceAll(name, number),
      withoutFolders(given, folders),
    );
  return {
    configuration: configuration && shownValues(configuration, shownAs),
    state: (state) => ({
      ...state,
      messages: state.messages.map((each) => ({ ...each, text: shown(each.text) })),
      stages: state.stages.map((each) => ({
        ...each,
        why: shown(each.why),
        error: each.error === null ? null : shown(each.error),
      })),
      outcome: state.outcome === null
        ? null
        : { ...state.outcome, text: shown(state.outcome.text) },
    }),
  };
}
