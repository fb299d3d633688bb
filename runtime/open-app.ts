// The app of pipelines that belong to no other: a stranger's stages, and as configuration whatever they take
// as options. Three lines of YAML run with caching, resume and --dry-run.
// The trap: of an option that several stages take each decodes its own slice; here it only has to be known.
import { Effect, FileSystem, Schema } from "effect";
import { Files } from "../lib/files.ts";
import { type App, noFacts } from "./app.ts";
import { ConfigFault } from "./options/config-fault.ts";
import { withoutKeys } from "../lib/without-keys.ts";
import { intFrom, option } from "./options/option.ts";
import { type OptionRow, optionTable } from "./options/option-table.ts";
import { decodeLayers, readLayers } from "./options/read-layers.ts";
import { schemaNode } from "./options/schema-node.ts";
import type { JsonObject } from "./options/configuration.ts";
import type { PipelineStep } from "./pipeline/pipeline.ts";

const common = {
  seed: option(Schema.NullOr(intFrom(0)), {
    doc: "All randomness comes from it. null draws one and notes it.",
    default: null,
  }),
  base_output_dir: option(Schema.String, {
    doc: "The folder of runs.",
    default: "output",
    keepsRun: true,
  }),
};

const fieldsOf = ({ stage }: PipelineStep): Schema.Struct.Fields =>
  (stage.options as { readonly fields?: Schema.Struct.Fields }).fields ?? {};

/** Every option of every stage, beside those that each pipeline has. */
function schemaOf(
  steps: readonly PipelineStep[],
  as: (field: Schema.Top) => Schema.Constraint,
): Schema.Codec<JsonObject, any> {
  const fields: Record<string, Schema.Constraint> = {};
  for (const [key, field] of steps.flatMap((step) => Object.entries(fieldsOf(step)))) {
    fields[key] = key in fields && fields[key] !== field ? Schema.Json : field;
  }
  const own = Object.entries(fields).map(([key, field]) => [key, as(field as Schema.Top)]);
  return Schema.Struct({
    ...Object.fromEntries(own),
    ...common,
  }) as unknown as Schema.Codec<JsonObject, any>;
}

/** What may be in a configuration that is whatever its stages take, for who explains it. */
export const optionsOf = (steps: readonly PipelineStep[]): readonly OptionRow[] =>
  optionTable(schemaNode(schemaOf(steps, (field) => field)));

/** The app of whoever brings none. */
export const openApp: App = {
  name: "open",
  stages: {},
  toolkit: () => Promise.resolve({}),
  configurationType: null,
  events: {},
  requests: null,
  answer: () => Effect.succeed(undefined),
  facts: () => Effect.succeed(noFacts),
  isResult: () => false,

  readConfiguration: ({ layers, pipeline, steps }) =>
    Effect.gen(function* () {
      // None is required: a stage may have it from its own `options:`.
      const schema = schemaOf(steps, (field) => Schema.optionalKey(Schema.toEncoded(field)));
      const { source, findings, notes, broken } = yield* readLayers(layers);
      const decoded = broken ? { findings: [] } : decodeLayers(schema, source);
      const all = [...findings, ...decoded.findings];
      const values = "config" in decoded ? decoded.config : undefined;
      if (all.length > 0 || values === undefined) return yield* new ConfigFault(all);
      const { seed, base_output_dir } = values as { seed: number | null; base_output_dir: string };
      const kept = optionTable(schemaNode(schema)).filter(({ keepsRun }) => keepsRun);
      return {
        values,
        targetKeys: ["base_output_dir"],
        places: {},
        unhashed: [],
        identity: withoutKeys(values, kept.map(({ key }) => key)),
        notes,
        base: base_output_dir,
        trigger: pipeline,
        seed,
        steps: null,
        lengthKeys: [],
        lengthMatters: null,
      };
    }).pipe(Effect.provideServiceEffect(FileSystem.FileSystem, Files)),
};
