// Reads the configuration of a training: the pipeline file's own, then a `--config` file, then
// `--set`, `--seed` and `--output`, decoded once, with everything that is wrong said at once.
// The trap: a file that names its `type` is a whole configuration and takes the place of the
// pipeline's own (so the reference's files run unchanged); one without it is laid over.
import { Effect, FileSystem } from "effect";
import { ConfigFault, type Finding } from "../runtime/options/config-fault.ts";
import { decodeAll, findingsOf, keyOf } from "../runtime/options/decode-source.ts";
import { homePath } from "../lib/home-path.ts";
import { dotted, isMapping, withoutKeys } from "../runtime/options/mapping.ts";
import { overlay } from "../runtime/options/overlay.ts";
import { schemaNode } from "../runtime/options/schema-node.ts";
import { parseSettings } from "../runtime/options/settings.ts";
import {
  emptySource,
  maxSourceBytes,
  type ParsedSource,
  parseSource,
  placeOf,
  type Source,
} from "../runtime/options/source.ts";
import { withStandIns } from "../runtime/options/with-stand-ins.ts";
import { configNotes } from "./config-notes.ts";
import { contradictions } from "./contradictions.ts";
import { placeKeys } from "./places.ts";
import { settledFixedLoss } from "./fixed-loss.ts";
import { TrainingConfig } from "./training.ts";

export interface ConfigLayers {
  /** The pipeline file's `config:` part (`within(parsed, "config")`). */
  readonly pipeline?: Source;
  /** The paths of `--config` files; each goes over those before it. */
  readonly file?: string | readonly string[];
  /** `--set` arguments, each `a.b=value`. */
  readonly set?: readonly string[];
  /** `--seed`, as typed. */
  readonly seed?: string;
  /** `--output`: the base folder. */
  readonly output?: string;
}

export interface ReadConfig {
  readonly config: TrainingConfig;
  /** Said once: options that do not do here what their names say, and how files were combined. */
  readonly notes: readonly string[];
}

const refused = (file: string, wanted: string, found: string, fix: string): ParsedSource => ({
  ...emptySource,
  value: undefined,
  findings: [{ file, wanted, found, fix }],
});

/** Reads and parses a YAML or JSON file; what is wrong with it is among the findings. */
const readSource = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem;
  const bytes = yield* Effect.gen(function* () {
    const { size } = yield* files.stat(path);
    return size > maxSourceBytes ? Number(size) : yield* files.readFile(path);
  }).pipe(Effect.catch((error) => Effect.succeed(error.reason._tag)));
  if (typeof bytes === "string") {
    const found = bytes === "NotFound" ? "no such file" : `one that cannot be read (${bytes})`;
    return refused(path, "a configuration file", found, "Check the path and its permissions.");
  }
  if (typeof bytes === "number") {
    const found = `${bytes} bytes`;
    return refused(path, `at most ${maxSourceBytes} bytes`, found, "Is this the right file?");
  }
  try {
    return parseSource(new TextDecoder("utf-8", { fatal: true }).decode(bytes), path);
  } catch {
    return refused(path, "text in UTF-8", "other bytes", "Save the file as UTF-8.");
  }
});

function mappingOnly(source: ParsedSource): ParsedSource {
  if (source.value === undefined || isMapping(source.value)) return source;
  const place = placeOf(source, "");
  const found = source.value === null ? "nothing" : "something else";
  const fix = "Write `key: value` lines.";
  return { ...source, value: undefined, findings: [{ ...place, wanted: "a mapping", found, fix }] };
}

/** Keys that begin with `x-` at the top are the writer's own, for anchors to merge from. */
const withoutNotes = (source: ParsedSource): ParsedSource =>
  isMapping(source.value)
    ? {
      ...source,
      value: Object.fromEntries(
        Object.entries(source.value).filter(([key]) => !key.startsWith("x-")),
      ),
    }
    : source;

/** `~` in every option that is a path. */
function withHomePaths(source: Source): { source: Source; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const walk = (value: unknown, at: string): unknown => {
    if (isMapping(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, walk(child, dotted(at, name))]),
      );
    }
    if (typeof value !== "string" || !placeKeys.includes(at)) return value;
    const path = homePath(value);
    if (typeof path === "string") return path;
    findings.push({ ...placeOf(source, at), key: at, ...path });
    return value;
  };
  return { source: { ...source, value: walk(source.value, "") }, findings };
}

const argument = (key: string, flag: string, parsed: ParsedSource): ParsedSource => ({
  value: parsed.value === undefined ? {} : { [key]: parsed.value },
  places: new Map([[key, { file: flag }]]),
  findings: parsed.findings.map(({ line: _, ...finding }) => ({ ...finding, key })),
});

const root = () => schemaNode(TrainingConfig);

/** The layers in order, and a note where a file was laid over instead of taking the place. */
const gather = Effect.fnUntraced(function* (layers: ConfigLayers) {
  const notes: string[] = [];
  const own = layers.pipeline?.value === undefined ? emptySource : layers.pipeline;
  let base = mappingOnly({ ...own, findings: [] });
  for (const [i, path] of [layers.file ?? []].flat().entries()) {
    const file = mappingOnly(withoutNotes(yield* readSource(path)));
    const whole = i === 0 && isMapping(file.value) && Object.hasOwn(file.value, "type");
    if (i === 0 && !whole && isMapping(file.value) && layers.pipeline !== undefined) {
      notes.push(`${path} names no type, so it is laid over the pipeline's own options.`);
    }
    const findings = [...base.findings, ...file.findings];
    base = whole || file.value === undefined || base.value === undefined
      ? { ...file, value: i > 0 && base.value === undefined ? undefined : file.value, findings }
      : { ...overlay(base, file, root), findings };
  }
  const settings = parseSettings(layers.set ?? []);
  const over = [
    settings,
    ...(layers.seed === undefined
      ? []
      : [argument("seed", "--seed", parseSource(layers.seed, "--seed"))]),
    ...(layers.output === undefined ? [] : [
      argument("base_output_dir", "--output", {
        ...emptySource,
        value: layers.output,
        findings: [],
      }),
    ]),
  ];
  const below = { ...base, value: withoutKeys(base.value, settings.resets) };
  const laid = over.reduce<Source>((under, layer) => overlay(under, layer, root), below);
  const { source, findings: slips } = withHomePaths(laid);
  const findings = [...[base, ...over].flatMap((layer) => layer.findings), ...slips];
  return { source, findings, notes, broken: base.value === undefined };
});

/** Decodes a merged source; every finding at once. */
function resolveConfig(
  source: Source,
): { config?: TrainingConfig; findings: readonly Finding[] } {
  const { value, misfits } = decodeAll(TrainingConfig, source.value);
  const wrong = misfits.map((misfit) => keyOf(misfit.path));
  const faulty = (key: string) =>
    wrong.some((at) => at === key || key.startsWith(`${at}.`) || at.startsWith(`${key}.`));
  const config = value ?? withStandIns(TrainingConfig, source.value, misfits);
  const against = config === undefined ? [] : contradictions(config, faulty);
  const findings = [
    ...findingsOf(misfits, TrainingConfig, source),
    ...against.map(({ keys, ...rest }): Finding => {
      const key = keys.find((each) => source.places.has(each)) ?? keys[0];
      return { ...placeOf(source, key), key, ...rest };
    }),
  ];
  return findings.length === 0 ? { config: value, findings } : { findings };
}

/**
 * The one resolved configuration of a training.
 * @errors ConfigFault with all findings.
 */
export const readConfig = Effect.fnUntraced(function* (layers: ConfigLayers) {
  const { source, findings, notes, broken } = yield* gather(layers);
  const resolved = broken ? { findings: [] } : resolveConfig(source);
  const all = [...findings, ...resolved.findings];
  if (all.length > 0 || !("config" in resolved) || resolved.config === undefined) {
    return yield* new ConfigFault(all);
  }
  const notesOfConfig = configNotes(resolved.config);
  return { config: settledFixedLoss(resolved.config), notes: [...notes, ...notesOfConfig] };
});
