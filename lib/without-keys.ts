// A JSON value without some of its keys, named by their dotted paths.
// The trap: lists are left as they are; a path into one names nothing.
import { dotted, isMapping, type Mapping } from "./mapping.ts";

export function withoutKeys(value: Mapping, keys: readonly string[], at?: string): Mapping;
export function withoutKeys(value: unknown, keys: readonly string[], at?: string): unknown;
export function withoutKeys(value: unknown, keys: readonly string[], at = ""): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, child]) => [dotted(at, name), name, child] as const)
      .filter(([path]) => !keys.includes(path))
      .map(([path, name, child]) => [name, withoutKeys(child, keys, path)]),
  );
}
