// A stage's slice of the one configuration: its schema names the keys it uses and everything else falls
// away, so a change elsewhere does not touch its fingerprint. A custom stage's own options come from the
// pipeline file, laid on top.
// The trap: an option in the pipeline file that the stage does not know is a typing error, and is said.
import { Exit, Schema, SchemaAST, SchemaIssue } from "effect";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { type Fault, fault, type Place } from "../../lib/fault.ts";
import { nearest } from "../../lib/nearest.ts";
import { isMapping } from "../../lib/mapping.ts";
import { withoutKeys } from "../../lib/without-keys.ts";
import type { JsonObject } from "../options/configuration.ts";
import type { Wired } from "./wiring.ts";

export class OptionFault extends fault("OptionFault", "user") {}

export interface StageOptions {
  readonly decoded: unknown;
  /** What of them decides the result, as canonical JSON: without the configuration's unhashed keys. */
  readonly encoded: Schema.Json;
}

const overlaid = (under: unknown, over: unknown): unknown =>
  isMapping(under) && isMapping(over)
    ? Object.fromEntries(
      [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [
        key,
        key in over ? overlaid(under[key], over[key]) : under[key],
      ]),
    )
    : over;

/** `Schema.Struct({})` lets every object pass as it is; here it means that there are no options. */
const takesNothing = ({ ast }: Schema.Constraint) =>
  SchemaAST.isObjects(ast) && ast.propertySignatures.length === 0 &&
  ast.indexSignatures.length === 0;

interface Stray {
  readonly path: readonly string[];
  /** What is known in its place. */
  readonly known: readonly string[];
}

/** What of the pipeline file's options did not come through decoding. */
function strayKeys(
  own: Record<string, unknown>,
  all: unknown,
  at: readonly string[] = [],
): Stray[] {
  const known = isMapping(all) ? all : {};
  return Object.entries(own).flatMap(([key, value]) => {
    const path = [...at, key];
    if (!Object.hasOwn(known, key)) return [{ path, known: Object.keys(known) }];
    return isMapping(value) && isMapping(known[key]) ? strayKeys(value, known[key], path) : [];
  });
}

const format = SchemaIssue.makeFormatterStandardSchemaV1();

/** The options, or everything that is wrong with them. */
export function stageOptions(
  { id, stage, use }: Wired,
  { values, unhashed }: { readonly values: JsonObject; readonly unhashed: readonly string[] },
  placeOf: (key: string) => Place,
): { readonly options: StageOptions } | { readonly faults: readonly Fault[] } {
  const own = use.options ?? {};
  const decode = Schema.decodeUnknownExit(stage.options, { errors: "all", reportInput: true });
  const exit = decode(takesNothing(stage.options) ? {} : overlaid(values, own));
  if (!Exit.isSuccess(exit)) {
    const issues = exit.cause.reasons.flatMap((reason) =>
      reason._tag === "Fail" ? format(reason.error.issue).issues : []
    );
    return {
      faults: issues.map(({ path, message }) => {
        const key = (path ?? []).map(String).join(".");
        const mine = path !== undefined && String(path[0]) in own;
        const at = mine ? `stages.${id}.options.${key}` : `stages.${id}`;
        return new OptionFault({
          ...placeOf(at),
          key: mine ? at : key,
          wanted: message === "Missing key"
            ? `the option that ${stage.name} asks for`
            : `an option that ${stage.name} understands`,
          found: message === "Missing key" ? "nothing of that name" : message,
          fix: mine ? "Change it." : `Set it in the configuration or under ${at}.options.`,
        });
      }),
    };
  }
  const all: Schema.Json = JSON.parse(
    canonicalJson(Schema.encodeUnknownSync(stage.options)(exit.value)),
  );
  const stray = strayKeys(own, all);
  if (stray.length === 0) {
    const idle = unhashed.filter((key) => !(key.split(".")[0] in own));
    return { options: { decoded: exit.value, encoded: withoutKeys(all, idle) as Schema.Json } };
  }
  return {
    faults: stray.map(({ path, known }) => {
      const name = path[path.length - 1];
      const near = nearest(name, known);
      const key = `stages.${id}.options.${path.join(".")}`;
      return new OptionFault({
        ...placeOf(key),
        key,
        wanted: `an option of ${stage.name} (${known.join(", ") || "it has none"})`,
        found: name,
        fix: near === undefined ? "Remove it." : `Did you mean ${near}?`,
      });
    }),
  };
}

/**
 * The options with what is settled after they were decoded (the seed, the app's facts), where the stage has an
 * option of that name and the pipeline file says nothing of it. Facts are plain: decoding leaves them as they are.
 */
export function withFacts(
  { id, stage, use }: Wired,
  { decoded, encoded }: StageOptions,
  facts: JsonObject,
): StageOptions | Fault {
  const settled = (options: unknown) =>
    isMapping(options)
      ? Object.fromEntries(
        Object.entries(options).map(([key, value]) =>
          key in facts && !(key in (use.options ?? {})) ? [key, facts[key]] : [key, value]
        ),
      )
      : options;
  const options = { decoded: settled(decoded), encoded: settled(encoded) as Schema.Json };
  return Schema.is(Schema.toType(stage.options))(options.decoded) ? options : new OptionFault({
    key: `stages.${id}`,
    wanted: `options that ${stage.name} understands`,
    found: JSON.stringify(facts),
    fix: "Let its options take these values as they are.",
  });
}
