// Lays one source over another: mappings are merged key by key, everything else is replaced.
// The trap: a mapping whose `type` changes is replaced as a whole, since the keys of one kind of
// dataset or optimizer mean nothing to another; and see `alternatives.ts`.
import { alternatives } from "../../config/alternatives.ts";
import { dotted, isMapping, type Mapping } from "./mapping.ts";
import { tagKeys } from "./schema-node.ts";
import type { Source } from "./source.ts";

/** Mappings whose `type` (or `optimizer_type`) decides what else is in them. */
const kinds: readonly string[] = ["optimizer", "data_loader.dataset", "fixed_loss_dataset"];

const own = (value: Mapping, key: string) => Object.hasOwn(value, key) ? value[key] : undefined;

const otherKind = (under: Mapping, over: Mapping, at: string) =>
  kinds.includes(at) &&
  tagKeys.some((key) =>
    Object.hasOwn(over, key) && Object.hasOwn(under, key) && over[key] !== under[key]
  );

export function overlay(under: Source, over: Source): Source {
  const gone: string[] = [];
  const merged = (low: unknown, high: unknown, at: string): unknown => {
    if (!isMapping(low) || !isMapping(high) || otherKind(low, high, at)) {
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
