// Weights in dtypes that ONNX Runtime cannot train on (fp8, with or without scales, and float64) are
// converted once, into one side file in a cache folder; all others stay where they are.
// The trap: the side file is keyed by its sources' sizes and times, so a changed model makes a new one.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isFault } from "../../lib/fault.ts";
import { removeAbandoned } from "../../lib/atomic-file.ts";
import { convertedBytes, isForeign, targetDType } from "./converted-bytes.ts";
import { storedBytes } from "../../lib/safetensors/dtype.ts";
import { type Network, networks } from "./required-tensors.ts";
import {
  readHeader,
  type TensorToWrite,
  writeSafetensors,
} from "../../lib/safetensors/safetensors.ts";
import type { Located } from "./tensor-source.ts";
import type { WeightTable, WeightView } from "../../lib/safetensors/weight-view.ts";
import { DiskFault } from "../../lib/disk-fault.ts";

/** Bytes made of the side file's. */
export type ConvertProgress = (done: number, total: number) => void;

type Tables<A> = Readonly<Record<Network, ReadonlyMap<string, A>>>;

async function sideFile(foreign: ReadonlyMap<string, Located>, folder: string): Promise<string> {
  const files = new Set<string>();
  for (const { view, scale } of foreign.values()) {
    files.add(view.file);
    if (scale !== undefined) files.add(scale.file);
  }
  const stamps = await Promise.all(
    [...files].sort().map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return [file, size, mtimeMs];
    }),
  );
  const places = [...foreign].map(([name, { view, scale }]) => [
    name,
    view.dtype,
    view.offset,
    scale?.offset,
  ]);
  const digest = createHash("sha256").update(JSON.stringify([1, stamps, places])).digest("hex");
  return join(folder, `${digest}.safetensors`);
}

/** Reads an earlier side file; one that is absent or broken is made (again). */
async function madeBefore(file: string): Promise<ReadonlyMap<string, WeightView> | undefined> {
  try {
    return (await readHeader(file)).tensors;
  } catch (cause) {
    if (isFault(cause) && cause._tag === "WeightsFileFault") return undefined;
    throw cause;
  }
}

/**
 * The tables as ONNX Runtime maps them, and where the side file is when one was needed. Without `write`
 * it is not made, and what it would hold has its type and size, but not its bytes. Throws
 * DiskFault when the folder cannot be written.
 */
export async function convertStored(
  tables: Tables<Located>,
  folder: string,
  write = true,
  onProgress: ConvertProgress = () => {},
): Promise<{ readonly weights: Readonly<Record<Network, WeightTable>>; readonly file?: string }> {
  const foreign = new Map<string, Located>();
  for (const network of networks) {
    for (const [name, located] of tables[network]) {
      if (isForeign(located)) foreign.set(`${network}/${name}`, located);
    }
  }
  const file = foreign.size === 0 ? undefined : await sideFile(foreign, folder);
  if (file !== undefined && write) await removeAbandoned(folder);
  const converted = file === undefined
    ? new Map<string, WeightView>()
    : await madeBefore(file) ?? await (write ? make(file, foreign, onProgress) : promised(foreign));
  const table = (network: Network): WeightTable =>
    new Map([...tables[network]].map(([name, { view }]) => {
      const side = converted.get(`${network}/${name}`);
      return [name, side === undefined ? view : { ...view, ...place(side) }];
    }));
  return {
    weights: {
      textEncoder: table("textEncoder"),
      textEncoder2: table("textEncoder2"),
      unet: table("unet"),
      vae: table("vae"),
    },
    ...(file === undefined ? {} : { file }),
  };
}

/** The views with the types and sizes that they have in a side file, made or not. */
async function promised(foreign: ReadonlyMap<string, Located>) {
  const views = new Map<string, WeightView & { readonly dtype: "F16" | "F32" }>();
  for (const [name, located] of foreign) {
    const dtype = await targetDType(located);
    const { view } = located;
    const bytes = view.bytes / storedBytes[view.dtype] * storedBytes[dtype];
    views.set(name, { ...view, dtype, bytes });
  }
  return views;
}

const place = ({ dtype, file, offset, bytes }: WeightView) => ({ dtype, file, offset, bytes });

async function make(
  file: string,
  foreign: ReadonlyMap<string, Located>,
  onProgress: ConvertProgress,
) {
  const planned = await promised(foreign);
  const total = [...planned.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, located] of foreign) {
    const { dtype, shape, bytes } = planned.get(name)!;
    const data = async function* () {
      yield await convertedBytes(located, dtype);
      onProgress(done += bytes, total);
    };
    tensors.set(name, { dtype, shape, data });
  }
  await writeSafetensors(file, tensors, { made_by: "gnomic" }).catch((cause) => {
    throw isFault(cause) && cause.file === file
      ? new DiskFault({
        file,
        wanted: "to keep weights converted from fp8 or float64 here",
        found: cause.found,
        fix: "Make room there, or set XDG_CACHE_HOME to a folder that you may write to.",
        cause,
      })
      : cause;
  });
  return (await readHeader(file)).tensors;
}
