// `--from-file x.safetensors`: the configuration that a result file carries, to make it again. It takes the
// place of the pipeline file's own, and --set and --output still apply.
// The trap: it carries no option that is at its default and came after the first version, so nothing of the
// pipeline's own may shine through; but where results go is not in the file.
import { Effect, Schema } from "effect";
import { readHeader } from "../lib/safetensors/safetensors.ts";
import { type ReadConfiguration, readTrainingConfiguration } from "../inversion/configuration.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { isMapping } from "../runtime/options/mapping.ts";
import { UsageFault } from "./command.ts";

const Carried = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json));

const configurationOf = (file: string): Effect.Effect<typeof Carried.Type, Fault> =>
  Effect.gen(function* () {
    const { metadata } = yield* tryPromise(() => readHeader(file));
    return yield* Schema.decodeUnknownEffect(Carried)(metadata["gnomic.configuration"]).pipe(
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
  });

/** Reads the configuration as the pipeline file says, or as `file` does. */
export const readingFrom = (file: string | undefined): ReadConfiguration => (layers) =>
  file === undefined
    ? readTrainingConfiguration(layers)
    : Effect.flatMap(configurationOf(file), (value) =>
      readTrainingConfiguration({
        ...layers,
        pipeline: {
          value: { ...placesOf(layers.pipeline?.value), ...value },
          places: new Map([["", { file }]]),
        },
      }));

const placesOf = (value: unknown) =>
  isMapping(value) && Object.hasOwn(value, "base_output_dir")
    ? { base_output_dir: value.base_output_dir }
    : {};
