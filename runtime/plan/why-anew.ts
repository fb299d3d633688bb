// Compares what a stage would be made of with what its last result was made of, and says the difference
// as reasons. The trap: the last result is the last one of this pipeline's stage in this store, of
// whichever run; it explains, it decides nothing.
import { type Change, jsonDifference } from "../../lib/json-difference.ts";
import type { OutputRef } from "../pipeline/wiring.ts";
import type { CacheKey } from "../store/fingerprint.ts";
import type { Reason } from "./reason.ts";

type JsonChange = Extract<Reason, { reason: "config-changed" }>["changes"][number];

/** What is known of a stage before its inputs are there. */
export type Known = Omit<CacheKey, "reads"> & {
  /** Digest of each input that is known. */
  readonly reads: Readonly<Record<string, string | undefined>>;
};

const changes = (before: unknown, after: unknown): readonly JsonChange[] =>
  jsonDifference(before, after) as readonly Change[] as readonly JsonChange[];

/** Empty if nothing that is known differs. */
export function whyAnew(
  before: CacheKey | undefined,
  now: Known,
  reads: Readonly<Record<string, OutputRef>>,
  describe?: (before: unknown, now: unknown) => string,
): readonly Reason[] {
  if (before === undefined) return [{ reason: "new" }];
  if (before.stage !== now.stage) {
    return [{ reason: "stage-replaced", from: before.stage, to: now.stage }];
  }
  const config = changes(before.options, now.options);
  const source = changes(before.world, now.world);
  const said = { changes: source, ...(describe && { what: describe(before.world, now.world) }) };
  return [
    ...(before.version === now.version
      ? []
      : [{ reason: "version-changed", from: before.version, to: now.version } as const]),
    ...(config.length === 0 ? [] : [{ reason: "config-changed", changes: config } as const]),
    ...(source.length === 0 ? [] : [{ reason: "source-changed", ...said } as const]),
    ...Object.entries(now.reads)
      .filter(([port, digest]) => digest !== undefined && before.reads[port] !== digest)
      .map(([port]) => ({ reason: "input-changed", port, from: reads[port].stage } as const)),
  ];
}
