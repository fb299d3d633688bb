// Lays one source over another: mappings are merged key by key, everything else is replaced.
// The trap: a mapping whose `type` changes is replaced as a whole, since the keys of one kind of
// dataset or optimizer mean nothing to another, also where the lower one leaves its `type` to be
// guessed; and see `alternatives.ts`.
import { alternatives } from "./alternatives.ts";
import { dotted, isMapping, type Mapping } from "./mapping.ts";
import { impliedTag, type SchemaNode, tagKeys } from "./schema-node.ts";
import type { Source } from "./source.ts";

/** Mappings whose `type` (or `optimizer_type`) decides what else is in them. */
const kinds: readonly string[] = ["optimizer", "data_loader.dataset", "fixed_loss_dataset"];

const own = (value: Mapping, key: string) => Object.hasOwn(value, key) ? value[key] : undefined;

const otherKind = (under: Mapping, over: Mapping, at: string, root: () => SchemaNode) =>
  kinds.includes(at) &&
  tagKeys.some((key) =>
    Object.hasOwn(over, key) && (own(under, key) ?? impliedTag(root(), at, under)) !== over[key]
  );

/** `root` is asked only where a mapping lacks its `type`, since a schema's tree takes a while to make. */
export function overlay(under: Source, over: Source, root: () => SchemaNode): Source {
  const gone: string[] = [];
  const merged = (low: unknown, high: unknown, at: string): unknown => {
    if (!isMapping(low) || !isMapping(high) || otherKind(low, high, at, root)) {
      gone.push(at);
      return high;
    }
    const unset = alternatives
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
