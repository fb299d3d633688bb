// The error of a model whose parts do not add up to SDXL's four networks: it lists every finding, each
// with its file and tensor, so that one look repairs them all. The trap: a wrong config makes thousands
// of findings, so only the first few are written out.
import { fault } from "../../lib/fault.ts";

export class ModelFault extends fault("ModelFault", "user") {}

export interface ModelFinding {
  readonly file: string;
  readonly tensor?: string;
  readonly found: string;
  /** What to do, where that is another thing than for the model as a whole. */
  readonly fix?: string;
}

const shown = 8;

/** Throws one ModelFault for all findings (at least one). */
export function refuseModel(
  path: string,
  wanted: string,
  findings: readonly ModelFinding[],
  fix: string,
): never {
  const [first] = findings;
  const tensor = first.tensor === undefined ? {} : { tensor: first.tensor };
  if (findings.length === 1) {
    throw new ModelFault({ file: first.file, ...tensor, wanted, found: first.found, fix });
  }
  const lines = findings.slice(0, shown).map(({ file, tensor, found }) => {
    const place = [file === path ? undefined : file, tensor].filter((part) => part !== undefined);
    return place.length === 0 ? found : `${place.join(" ")}: ${found}`;
  });
  const more = findings.length > shown ? `; and ${findings.length - shown} more` : "";
  throw new ModelFault({ file: path, ...tensor, wanted, found: lines.join("; ") + more, fix });
}
