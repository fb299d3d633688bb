// What the decoders of all config.json files share: keys with defaults, keys that may only have one
// value, and the one fault that lists every wrong key of a file with the network it looks like.
// The trap: `null` in a config is a value, not a missing key; only missing keys get defaults.
import { Effect, Result, Schema, SchemaIssue } from "effect";
import { fault } from "../../lib/fault.ts";
import { shownJson } from "../../lib/foreign-json.ts";
import { otherModelKind } from "./other-model-kind.ts";

/** A config.json that is unreadable, or of a network other than SDXL's. */
export class ModelConfigFault extends fault("ModelConfigFault", "user") {}

/** A key with a default. */
export const orElse = <S extends Schema.Constraint>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefault<S>(Effect.succeed(value))(schema);

/** A key that may only have diffusers' default. */
export const only = <const L extends string | number | boolean>(value: L) =>
  orElse(Schema.Literal(value), value as never);
export const absent = orElse(Schema.Null, null);

export const Size = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));
/** How many of something a network has; a damaged number must not fill the memory. */
export const Count = Size.check(Schema.isLessThanOrEqualTo(100));
export const Epsilon = Schema.Finite.check(Schema.isGreaterThan(0));
/** A list with an entry a level, or a layer. SDXL has three; each costs time before any weight is looked at. */
export const levelsOf = <S extends Schema.Constraint>(entry: S) =>
  Schema.Array(entry).check(Schema.isMaxLength(16));
export const Sizes = levelsOf(Size);
export const PerLevel = Schema.Union([Size, Sizes]);
export const CountPerLevel = Schema.Union([Count, levelsOf(Count)]);

/** Nobody reads more of one file. */
const mostFindings = 20;
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1();

/** A key and what is wrong with it. */
export type Finding = readonly [key: string, found: string];

/** Throws one ModelConfigFault for all findings of a file. */
export function refuse(
  network: string,
  file: string,
  json: unknown,
  findings: readonly Finding[],
): never {
  const looks = otherModelKind(json);
  const [first] = findings;
  throw new ModelConfigFault({
    file,
    ...(findings.length === 1 ? { key: first[0] } : {}),
    wanted: `the config of SDXL's ${network}`,
    found: `${
      findings.length === 1 ? first[1] : findings.map(([key, what]) => `${key}: ${what}`).join("; ")
    }${looks === undefined ? "" : ` (this looks like ${looks})`}`,
    fix: "Name an SDXL model (folder or single file) whose networks are SDXL's.",
  });
}

/** Decodes a file by its schema; every key that is wrong is in the one fault thrown. */
export function decode<S extends Schema.Codec<any, any>>(
  schema: S,
  network: string,
  file: string,
  json: unknown,
): S["Type"] {
  const result = Schema.decodeUnknownResult(schema)(json, { errors: "all" });
  if (Result.isSuccess(result)) return result.success;
  const { issues } = formatIssue(result.failure.issue);
  const named = issues.slice(0, mostFindings);
  return refuse(
    network,
    file,
    json,
    named.map(({ path = [], message }): Finding => {
      const keys = path.map(String);
      const value = keys.reduce<any>((at, key) => at?.[key], json);
      const expected = message.replace(" | undefined", "").replace("Expected", "expected");
      return keys.length === 0 ? ["(whole file)", `${expected}`] : [
        keys.join("."),
        value === undefined ? "no such key" : `${shownJson(value)}, ${expected}`,
      ];
    }),
  );
}
