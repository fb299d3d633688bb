// A pipeline file as a value: which stages there are, what each reads, and how hard to try. Decoded by
// Schema with the line of every complaint; what the stages are is found out later (resolve.ts).
// The trap: `config` is only taken along here. config/ decodes it together with --config and --set.
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import { fault, type Place } from "../../lib/fault.ts";
import { isThere, namesIn } from "../../lib/look.ts";
import { ConfigFault } from "../options/config-fault.ts";
import { decodeAll, findingsOf } from "../options/decode-source.ts";
import { intFrom, notNegative } from "../options/option.ts";
import { isMapping } from "../../lib/mapping.ts";
import { readText } from "../../lib/read-text.ts";
import { maxSourceBytes, parseSource, placeOf, type Source, within } from "../../lib/source.ts";
import type { AnyStage } from "../stage.ts";

export class NoPipeline extends fault("NoPipeline", "user") {}

export const Retry = Schema.Struct({
  /** How often to try again after a fault that may pass by itself. */
  times: intFrom(0),
  /** The first wait; each further one is twice as long, give or take a fifth. */
  backoffSeconds: notNegative,
});
export type Retry = typeof Retry.Type;

/** @internal */
export const StageUse = Schema.Struct({
  /** A stage of stages/ by name, a file (`./my-caption.ts`, from the pipeline file) or a package. */
  use: Schema.String,
  /**
   * Port to `stage.port`. A port that is not named here reads the only artefact of its type that
   * another stage writes; where two do, it has to be named.
   */
  reads: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** Options of a custom stage, over those that it takes from the configuration. */
  options: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  retry: Schema.optionalKey(Retry),
  timeoutSeconds: Schema.optionalKey(notNegative),
  /** How many things the stage does at once. */
  concurrency: Schema.optionalKey(intFrom(1)),
  /** Exclusive resources for as long as it runs, e.g. {device: 1}. */
  resources: Schema.optionalKey(Schema.Record(Schema.String, intFrom(1))),
});
/** A stage's entry in a pipeline file. */
export type StageUse = typeof StageUse.Type;

/** A stage under its id in the pipeline. */
export interface PipelineStep {
  /** Its own within the pipeline. */
  readonly id: string;
  /** As its module exports it. */
  readonly stage: AnyStage;
  /** What the pipeline says of it. */
  readonly use: StageUse;
}

export const PipelineFile = Schema.Struct({
  pipeline: Schema.String,
  /** The kind of pipeline: an app by name, or its file. Left out, the stages tell. */
  app: Schema.optionalKey(Schema.String),
  config: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  stages: Schema.Record(Schema.String, StageUse),
});
export type PipelineFile = typeof PipelineFile.Type;

/** A decoded pipeline, and where its parts stand. */
export interface Pipeline extends PipelineFile {
  /** Absolute; paths in `use` count from its folder. */
  readonly file: string;
  /** `config` with its lines, for config/. */
  readonly configSource: Source;
  /** Where a dotted key of the file stands. */
  readonly placeOf: (key: string) => Place;
}

const pipelinesFolder = fileURLToPath(new URL("../../pipelines", import.meta.url));

/** `sdxl-ti` is pipelines/sdxl-ti.yaml; anything with a slash or an ending is a path. */
function pipelinePath(nameOrPath: string): Effect.Effect<string> {
  if (/[\\/]|\.ya?ml$|\.json$/.test(nameOrPath)) return Effect.succeed(resolve(nameOrPath));
  const own = resolve("pipelines", `${nameOrPath}.yaml`);
  const shipped = join(pipelinesFolder, `${nameOrPath}.yaml`);
  return Effect.map(isThere(own), (isOwn) => isOwn ? own : shipped);
}

// Stages are decoded one by one, so that a complaint can name the keys that are known there.
const Outline = Schema.Struct({
  ...PipelineFile.fields,
  stages: Schema.Record(Schema.String, Schema.Json),
});

function decodeStages(source: Source) {
  const stages = within(source, "stages");
  const decoded = Object.keys(isMapping(stages.value) ? stages.value : {}).map((id) => {
    const one = within(stages, id);
    const { value, misfits } = decodeAll(StageUse, one.value);
    const key = `stages.${id}`;
    // Its JSON Schema is only made when there is something to say.
    const found = misfits.length === 0 ? [] : findingsOf(misfits, StageUse, one);
    const findings = found
      .map((finding) => ({ ...finding, key: [key, finding.key].filter(Boolean).join(".") }));
    const nameFinding = /^[A-Za-z][A-Za-z0-9_-]*$/.test(id) ? [] : [{
      ...placeOf(one, ""),
      key,
      wanted: "a stage's name of letters, digits, - and _, beginning with a letter",
      found: JSON.stringify(id),
      fix: "Rename it.",
    }];
    return { id, value, findings: [...nameFinding, ...findings] };
  });
  const none = isMapping(stages.value) && decoded.length === 0
    ? [{
      ...placeOf(source, "stages"),
      key: "stages",
      wanted: "stages",
      found: "none",
      fix: "Add them; the files in pipelines/ show how.",
    }]
    : [];
  return {
    findings: [...none, ...decoded.flatMap(({ findings }) => findings)],
    stages: Object.fromEntries(
      decoded.flatMap(({ id, value }) => value === undefined ? [] : [[id, value]]),
    ),
  };
}

/** Fails with `ConfigFault`. */
export const decodePipeline = (
  text: string,
  file: string,
): Effect.Effect<Pipeline, ConfigFault> => {
  const source = parseSource(text, file);
  const outline = decodeAll(Outline, source.value);
  const { stages, findings } = decodeStages(source);
  const all = source.findings.length > 0
    ? source.findings
    : outline.misfits.length === 0
    ? findings
    : [...findingsOf(outline.misfits, Outline, source), ...findings];
  if (all.length > 0 || outline.value === undefined) return Effect.fail(new ConfigFault(all));
  return Effect.succeed({
    ...outline.value,
    stages,
    file,
    configSource: outline.value.config === undefined
      ? { value: {}, places: new Map([["", { file }]]) }
      : within(source, "config"),
    placeOf: (key) => placeOf(source, key),
  });
};

const ownNames = Effect.map(
  namesIn(pipelinesFolder),
  (names) => names.flatMap((name) => /^(.*)\.ya?ml$/.exec(name)?.[1] ?? []).sort().join(", "),
);

/** Reads a pipeline by name or path. */
export const readPipeline = (
  nameOrPath: string,
): Effect.Effect<Pipeline, ConfigFault | NoPipeline> =>
  Effect.gen(function* () {
    const file = yield* pipelinePath(nameOrPath);
    const text = yield* readText(file, maxSourceBytes).pipe(
      Effect.catch((unreadable) =>
        Effect.flatMap(ownNames, (names) => {
          const fix = `Name one of pipelines/ (${names}), or give the path of a YAML file.`;
          return Effect.fail(
            new NoPipeline({ file, wanted: "a pipeline file", fix, ...unreadable }),
          );
        })
      ),
    );
    return yield* decodePipeline(text, file);
  });

export const folderOf = (pipeline: Pick<Pipeline, "file">): string => dirname(pipeline.file);
