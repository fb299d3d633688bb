// The layers of a configuration as one source, decoded once, with everything that is wrong said at once: the
// pipeline file's own, then a `--config` file, then `--set`, `--seed` and `--output`.
// The trap: a file that names its `type` is a whole configuration and takes the place of the
// pipeline's own (so the reference's files run unchanged); one without it is laid over.
import { Effect, type Schema } from "effect";
import { homePath } from "../../lib/home-path.ts";
import { readText } from "../../lib/read-text.ts";
import type { ConfigLayers } from "./configuration.ts";
import type { Finding } from "./config-fault.ts";
import { decodeAll, findingsOf, keyOf } from "./decode-source.ts";
import { dotted, isMapping } from "../../lib/mapping.ts";
import { withoutKeys } from "../../lib/without-keys.ts";
import { overlay, type OverlayRules } from "./overlay.ts";
import { parseSettings } from "./settings.ts";
import {
  emptySource,
  maxSourceBytes,
  type ParsedSource,
  parseSource,
  placeOf,
  type Source,
} from "../../lib/source.ts";
import { withStandIns } from "./with-stand-ins.ts";

/** Options that do not go together, though each is well-formed. */
export interface Contradiction extends Pick<Finding, "wanted" | "found" | "fix"> {
  readonly keys: readonly string[];
}

/** Reads and parses a YAML or JSON file; what is wrong with it is among the findings. */
const readSource = (file: string): Effect.Effect<ParsedSource> =>
  readText(file, maxSourceBytes).pipe(Effect.match({
    onSuccess: (text) => parseSource(text, file),
    onFailure: (unreadable): ParsedSource => ({
      ...emptySource,
      value: undefined,
      findings: [{ file, wanted: "a configuration file", fix: "Check the path.", ...unreadable }],
    }),
  }));

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

function withHomePaths(
  source: Source,
  paths: readonly string[],
): { readonly source: Source; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const walk = (value: unknown, at: string): unknown => {
    if (isMapping(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, walk(child, dotted(at, name))]),
      );
    }
    if (typeof value !== "string" || !paths.includes(at)) return value;
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

/**
 * The layers in order, and a note where a file was laid over instead of taking the place. `broken`: what they
 * hold cannot be decoded. `paths`: keys in which `~` is the home folder.
 */
export const readLayers = Effect.fn("readLayers")(function* (
  layers: ConfigLayers,
  rules?: OverlayRules,
  paths: readonly string[] = ["base_output_dir"],
) {
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
      : { ...overlay(base, file, rules), findings };
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
  const laid = over.reduce<Source>((under, layer) => overlay(under, layer, rules), below);
  const { source, findings: slips } = withHomePaths(laid, paths);
  const findings = [...[base, ...over].flatMap((layer) => layer.findings), ...slips];
  return { source, findings, notes, broken: base.value === undefined };
});

/** Decodes a merged source; every finding at once. */
export function decodeLayers<T>(
  schema: Schema.Codec<T, any>,
  source: Source,
  contradictions: (
    value: T,
    faulty: (key: string) => boolean,
  ) => readonly Contradiction[] = () => [],
): { config?: T; findings: readonly Finding[] } {
  const { value, misfits } = decodeAll(schema, source.value);
  const wrong = misfits.map((misfit) => keyOf(misfit.path));
  const faulty = (key: string) =>
    wrong.some((at) => at === key || key.startsWith(`${at}.`) || at.startsWith(`${key}.`));
  const config = value ?? withStandIns(schema, source.value, misfits);
  const against = config === undefined ? [] : contradictions(config, faulty);
  const findings = [
    ...findingsOf(misfits, schema, source),
    ...against.map(({ keys, ...rest }): Finding => {
      const key = keys.find((each) => source.places.has(each)) ?? keys[0];
      return { ...placeOf(source, key), key, ...rest };
    }),
  ];
  return findings.length === 0 ? { config: value, findings } : { findings };
}
