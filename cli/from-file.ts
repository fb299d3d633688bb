// `--from-file x.safetensors`: the configuration that a result file carries, to make it again. It is laid
// over the pipeline file's own, so --set and --output still apply.
import { Effect, Schema } from "effect";
import { overlayRules } from "../config/alternatives.ts";
import { readHeader } from "../engine/weights/safetensors.ts";
import { type ReadConfiguration, readTrainingConfiguration } from "../inversion/configuration.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { overlay } from "../runtime/options/overlay.ts";
import { emptySource } from "../runtime/options/source.ts";
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
        pipeline: overlay(layers.pipeline ?? emptySource, {
          value,
          places: new Map([["", { file }]]),
        }, overlayRules),
      }));
