// `--from-file x.safetensors`: the configuration that a result file carries, to make it again. It takes the
// place of the pipeline file's own, and --set and --output still apply.
// The trap: a file may come from anywhere, so it never says where something is: every place is asked for, also
// of files of before that still name theirs. And it carries no option that is at its default and came after
// the first version, so nothing of the pipeline's own may shine through; but where results go is not in it.
import { Effect, Schema } from "effect";
import { placeKeys, placesIn, targetKeys } from "../config/places.ts";
import { type ReadConfiguration, readTrainingConfiguration } from "../inversion/configuration.ts";
import { originNames, originsOf } from "../inversion/origins.ts";
import type { Fault } from "../lib/fault.ts";
import { readHeader } from "../lib/safetensors/safetensors.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { valueAt } from "../runtime/options/decode-source.ts";
import { isMapping } from "../lib/mapping.ts";
import { withoutKeys } from "../lib/without-keys.ts";
import { parseSettings } from "../runtime/options/settings.ts";
import type { Configuration } from "../runtime/options/configuration.ts";
import { UsageFault } from "./command.ts";
import { metadataKeys } from "../inversion/metadata-keys.ts";

const Carried = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json));
const Places = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String));

interface ResultFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** Without places. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** What is to be asked for, with what the file calls it. */
  readonly places: Readonly<Record<string, string>>;
  /** The keys whose places the file named itself, as files of before do. */
  readonly named: readonly string[];
}

const readResultFile = (file: string): Effect.Effect<ResultFile, Fault> =>
  Effect.gen(function* () {
    const { metadata } = yield* tryPromise(() => readHeader(file));
    const value = yield* Schema.decodeUnknownEffect(Carried)(metadata[metadataKeys.configuration])
      .pipe(
        Effect.mapError((cause): Fault =>
          new UsageFault({
            file,
            key: "--from-file",
            wanted: "an embedding that gnomic made, with its configuration in it",
            found: "none",
            fix: "Give the configuration with --config.",
            cause,
          })
        ),
      );
    const listed = yield* Schema.decodeUnknownEffect(Places)(metadata[metadataKeys.places] ?? "{}")
      .pipe(Effect.orElseSucceed(() => ({})));
    const own = yield* Effect.promise(() => placesIn(value));
    const left = [...targetKeys(), ...Object.keys(own)];
    const keys = placeKeys();
    const known = Object.entries(listed).filter(([key]) => keys.includes(key));
    return {
      metadata,
      configuration: withoutKeys(value, left),
      places: { ...Object.fromEntries(known), ...own },
      named: left.filter((key) => typeof valueAt(value, key.split(".")) === "string"),
    };
  });

/** Whether the place is still needed: `--set` gives neither it nor another kind of what it is in. */
const isLacking = (key: string, { configuration }: ResultFile, set: readonly string[]): boolean => {
  const given = parseSettings(set).value;
  const path = key.split(".");
  if (valueAt(given, path) !== undefined) return false;
  const [above, type] = [path.slice(0, -1), [...path.slice(0, -1), "type"]];
  if (above.length === 0) return true;
  const over = valueAt(given, above);
  if (over !== undefined && !isMapping(over)) return false;
  const other = valueAt(given, type);
  return other === undefined || other === valueAt(configuration, type);
};

const askFor = (file: string, lacking: readonly (readonly [string, string])[]) =>
  new UsageFault({
    file,
    key: "--from-file",
    wanted: "to know where on this machine its " +
      `${lacking.map(([key, last]) => `${key} (there: ${last})`).join(", ")} is`,
    found: "no place, since a file that may come from anywhere names none",
    fix: `Add ${lacking.map(([key]) => `--set ${key}=PATH`).join(" ")}`,
  });

/** What this run is made from that the file was not, in words. */
const otherOrigins = (
  file: string,
  { metadata }: ResultFile,
  now: Readonly<Record<string, string>>,
) =>
  Object.entries(originNames).flatMap(([key, name]) =>
    metadata[key] === undefined || now[key] === undefined || metadata[key] === now[key] ? [] : [
      `${name}: other than ${file} was made from (there ${metadata[key].slice(0, 8)}, here ` +
      `${now[key].slice(0, 8)}), so something else will come out.`,
    ]
  );

/** Reads the configuration as the pipeline file says, or as `file` does. */
export const readingFrom = (file: string | undefined): ReadConfiguration => (layers) =>
  file === undefined ? readTrainingConfiguration(layers) : Effect.gen(function* () {
    const made = yield* readResultFile(file);
    const lacking = Object.entries(made.places)
      .filter(([key]) => isLacking(key, made, layers.set ?? []));
    if (lacking.length > 0) return yield* Effect.fail(askFor(file, lacking));
    const own = layers.pipeline?.value;
    const base = isMapping(own) && Object.hasOwn(own, "base_output_dir")
      ? { base_output_dir: own.base_output_dir }
      : {};
    const configuration: Configuration = yield* readTrainingConfiguration({
      ...layers,
      pipeline: { value: { ...base, ...made.configuration }, places: new Map([["", { file }]]) },
    });
    const ignored = made.named.length === 0 ? [] : [
      `${file} names places of the machine that it was made on; ignored: ${made.named.join(", ")}.`,
    ];
    return {
      ...configuration,
      notes: [...ignored, ...configuration.notes],
      notesOnInputs: (inputs) => otherOrigins(file, made, originsOf(inputs)),
    };
  });
