// A faulty value with its misfits cut out and stand-ins for what is missing, good enough to look for
// contradictions among the rest, so that they are reported together with the misfits.
// The trap: the result is never used for anything else, and rules must not ask about faulty keys.
import type { Schema } from "effect";
import { decodeAll, type Misfit, mostMisfits } from "./decode-source.ts";
import { isMapping } from "../../lib/mapping.ts";
import { members, nodeAt, propertiesOf, type SchemaNode, schemaNode } from "./schema-node.ts";

function standIn(node: SchemaNode | undefined): unknown {
  const first = node === undefined ? undefined : members(node)[0];
  if (first === undefined) return null;
  if (Array.isArray(first.enum)) return first.enum[0];
  if (first.type === "string") return "x";
  if (first.type === "integer" || first.type === "number") return first.minimum ?? 1;
  if (first.type === "array") return [];
  const needed = (first.required ?? []) as readonly string[];
  return Object.fromEntries(needed.map((key) => [key, standIn(propertiesOf(first)[key])]));
}

/** A copy with the value at a path replaced, or removed where `put` is undefined. */
function changed(value: unknown, path: readonly PropertyKey[], put: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return put;
  if (Array.isArray(value)) return value.filter((_, i) => i !== first);
  if (!isMapping(value)) return value;
  const name = String(first);
  const child = Object.hasOwn(value, name) ? value[name] : undefined;
  const inside = rest.length === 0 ? put : changed(child, rest, put);
  const entries = Object.entries(value).filter(([key]) => key !== name);
  return Object.fromEntries(inside === undefined ? entries : [...entries, [name, inside]]);
}

export function withStandIns<T>(
  schema: Schema.Codec<T, any>,
  value: unknown,
  misfits: readonly Misfit[],
): T | undefined {
  if (misfits.length > mostMisfits) return undefined;
  const root = schemaNode(schema);
  let now = value;
  let left = misfits;
  for (let round = 0; round < 4; round++) {
    // From the back, so that positions in lists stay right.
    for (const { kind, path } of left.toReversed()) {
      now = changed(now, path, kind === "missing" ? standIn(nodeAt(root, path, now)) : undefined);
    }
    const again = decodeAll(schema, now);
    if (again.value !== undefined) return again.value;
    left = again.misfits;
  }
}
