// What a training takes, for --dry-run: a line for each memory plan and for what else is computed.
// The trap: weights, activations and the peak are estimates, and on a GPU the overhead is the host's.
import type { MemoryTable } from "../inversion/model/memory-table.ts";
import type { Plan } from "../runtime/plan/plan.ts";
import { table } from "./table.ts";

type Row = MemoryTable["rows"][number];

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1);

const verdict = (
  { work, plan, fits }: Row,
  { plan: chosen, available, encodeBeside }: MemoryTable,
) =>
  !fits
    ? "does not fit"
    : work === "encode" && encodeBeside !== null
    ? "fits beside the training"
    : work === "training" && plan === chosen
    ? "taken"
    : available === null
    ? ""
    : "fits";

const workText = ({ work, plan, tiled }: Row) =>
  plan !== undefined ? `training, plan ${plan}` : tiled ? `${work}, in tiles` : work;

/** No lines where memory was not looked at. */
export function memoryTable({ facts }: Plan): readonly string[] {
  const memory = facts.memory as MemoryTable | undefined;
  if (memory === undefined || memory.rows.length === 0) return [];
  const head = ["memory in GiB", "size", "batch", "weights", "activations", "peak", ""];
  const lines = memory.rows.map((row) => [
    workText(row),
    row.work === "text" ? "" : `${row.width}x${row.height}`,
    `${row.batch}`,
    gib(row.weights),
    gib(row.activations),
    gib(row.peak),
    verdict(row, memory),
  ]);
  return table([head, ...lines], new Set([1, 2, 3, 4, 5]));
}
