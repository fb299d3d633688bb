// A single file's names without what training programs leave in front of or inside of them: `torch.compile`
// (`_orig_mod.`), data parallel and FSDP wrappers, and `state_dict.`, as a whole checkpoint has it.
// The trap: where two names become one, neither is touched, since nobody knows which is meant.
import type { StoredTensors } from "./tensor-source.ts";

const wrappers = /(?:^|\.)(?:_orig_mod|_fsdp_wrapped_module|_forward_module)(?=\.)/g;
const fronts = /^(?:state_dict|module)\./;

function plainName(name: string): string {
  const inner = name.replace(wrappers, "").replace(/^\./, "");
  return fronts.test(inner) ? plainName(inner.replace(fronts, "")) : inner;
}

export interface PlainNames {
  readonly tensors: StoredTensors;
  /** For people; null where the names are plain already. */
  readonly note: string | null;
}

export function plainNames(tensors: StoredTensors): PlainNames {
  const counts = new Map<string, number>();
  for (const name of tensors.keys()) {
    const plain = plainName(name);
    counts.set(plain, (counts.get(plain) ?? 0) + 1);
  }
  let example: string | undefined;
  const renamed = [...tensors].map(([name, view]) => {
    const plain = plainName(name);
    if (plain === name || counts.get(plain)! > 1) return [name, view] as const;
    example ??= name;
    return [plain, view] as const;
  });
  return {
    tensors: new Map(renamed),
    note: example === undefined
      ? null
      : `names: wrapped ones such as ${example} are read as ${plainName(example)}`,
  };
}
