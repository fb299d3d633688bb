// The configuration as JSON Schema, for completion and checks in editors: of a `--config` file, and
// of a pipeline file, which wraps a configuration with the wiring of its stages.
// The trap: contradictions between options are beyond it; only reading the file finds those.
import { JsonSchema } from "effect";
import { propertiesOf, type SchemaNode, schemaNode } from "../runtime/options/schema-node.ts";
import { StageUse } from "../runtime/pipeline/pipeline.ts";
import { TrainingConfig } from "./training.ts";

/** Draft 7, which every editor's YAML support knows. */
const draft07 = (schema: SchemaNode): SchemaNode => ({
  $schema: JsonSchema.META_SCHEMA_URI_DRAFT_07,
  ...JsonSchema.toDocumentDraft07({ dialect: "draft-2020-12", schema, definitions: {} }).schema,
});

/** A configuration of which only a part may be written, and what a whole one must have. */
function partAndWhole(): { readonly part: SchemaNode; readonly whole: SchemaNode } {
  const { required, ...part } = schemaNode(TrainingConfig);
  const properties = propertiesOf(part);
  const { required: within, ...data_loader } = properties.data_loader;
  return {
    part: { ...part, properties: { ...properties, data_loader } },
    whole: { required, properties: { data_loader: { required: within } } },
  };
}

/** A configuration file; one that names no type is laid over a pipeline's own. */
function trainingJsonSchema(): SchemaNode {
  const { part, whole } = partAndWhole();
  return {
    ...draft07({ title: "gnomic: configuration of an SDXL textual inversion training", ...part }),
    // The writer's own, for anchors.
    patternProperties: { "^x-": {} },
    if: { required: ["type"] },
    then: whole,
  };
}

/** What the keys of an entry of `stages:` mean; the runner decodes them. */
const stageDocs: Readonly<Record<keyof StageUse, string>> = {
  use: "A built-in stage by name, or the path (./my-caption.ts) or package of one.",
  reads: "For each input, the stage and output that it comes from: `ingest.examples`.",
  options: "The stage's own options, over those that it takes from the configuration.",
  retry: "Tries again after errors that may pass, with growing pauses.",
  timeoutSeconds: "After so long the stage is ended, which counts as an error.",
  concurrency: "How many things it does at once.",
  resources: "What it needs for itself while it runs, for example device: 1.",
};

function stageNode(): SchemaNode {
  const node = schemaNode(StageUse);
  const documented = Object.entries(propertiesOf(node)).map(([key, child]) => [
    key,
    { ...child, description: stageDocs[key as keyof StageUse] },
  ]);
  return { ...node, properties: Object.fromEntries(documented) };
}

/** A pipeline file. Its `config` need not be complete, since `--config` and `--set` go over it. */
function pipelineJsonSchema(): SchemaNode {
  const { part: config } = partAndWhole();
  return draft07({
    title: "gnomic: pipeline",
    type: "object",
    required: ["pipeline", "stages"],
    additionalProperties: false,
    properties: {
      pipeline: { type: "string", description: "The pipeline's name." },
      config: { description: "The configuration that the stages share.", ...config },
      stages: { type: "object", additionalProperties: stageNode() },
    },
  });
}

/** File names under config/schema/ and their texts. */
export const schemaFiles = (): Readonly<Record<string, string>> => ({
  "training.json": `${JSON.stringify(trainingJsonSchema(), null, 2)}\n`,
  "pipeline.json": `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`,
});
