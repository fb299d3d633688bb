// Lays one source over another: mappings are merged key by key, everything else is replaced.
// The trap: a mapping whose tag changes is replaced as a whole, since the keys of one kind mean nothing to
// another, also where the lower one leaves its tag to be guessed; and a key unsets its alternatives in the
// layers below. Both are the schema's to say (rules).
import { dotted, isMapping, type Mapping } from "../../lib/mapping.ts";
import { impliedTag, type SchemaNode, tagKeys } from "./schema-node.ts";
import type { Source } from "../../lib/source.ts";

/** What a schema cannot say of how its layers go over each other. */
export interface OverlayRules {
  /** Mappings whose tag decides what else is in them. */
  readonly kinds: readonly string[];
  /** Asked only where a mapping lacks its tag, since a schema's tree takes a while to make. */
  readonly root: () => SchemaNode;
  /** Keys of one mapping (empty: the top) of which only one may be set. */
  readonly alternatives: readonly {
    readonly within: string;
    readonly keys: readonly string[];
  }[];
}

const noRules: OverlayRules = { kinds: [], root: () => ({}), alternatives: [] };

const own = (value: Mapping, key: string) => Object.hasOwn(value, key) ? value[key] : undefined;

const otherKind = (
  under: Mapping,
  over: Mapping,
  at: string,
  { kinds, root }: OverlayRules,
) =>
  kinds.includes(at) &&
  tagKeys.some((key) =>
    Object.hasOwn(over, key) && (own(under, key) ?? impliedTag(root(), at, under)) !== over[key]
  );

export function overlay(
  under: Source,
  over: Source,
  rules: OverlayRules = noRules,
): Source {
  const gone: string[] = [];
  const merged = (low: unknown, high: unknown, at: string): unknown => {
    if (!isMapping(low) || !isMapping(high) || otherKind(low, high, at, rules)) {
      gone.push(at);
      return high;
    }
    const unset = rules.alternatives
      .filter(({ within, keys }) => within === at && keys.some((key) => own(high, key) != null))
      .flatMap(({ keys }) => keys)
      .filter((key) => !Object.hasOwn(high, key));
    gone.push(...unset.map((key) => dotted(at, key)));
    const kept = Object.entries(low).filter(([key]) => !unset.includes(key));
    const laid = Object.entries(high).map(([key, value]) => [
      key,
      merged(own(low, key), value, dotted(at, key)),
    ]);
    return Object.fromEntries([...kept, ...laid]);
  };
  const value = merged(under.value, over.value, "");
  const stays = (key: string) => !gone.some((at) => key === at || key.startsWith(`${at}.`));
  const kept = [...under.places].filter(([key]) => stays(key));
  return { value, places: new Map([...kept, ...over.places]) };
}
