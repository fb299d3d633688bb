// Golden values for unit tests: one case's tensors as float64, by file, and its scheduler.
// The trap: integers come as float64 too; ids and timesteps are exact in it.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decodeSchedulerConfig } from "../../engine/networks/config.ts";
import { readSafetensors } from "../../lib/safetensors/safetensors.ts";

const folder = new URL("../golden/", import.meta.url);

async function tensors(name: string, file: string): Promise<(tensor: string) => Float64Array> {
  const read = await readSafetensors(
    fileURLToPath(new URL(`${name}/${file}.safetensors`, folder)),
  );
  return (tensor) =>
    Float64Array.from(read.get(tensor)!.data as ArrayLike<number | bigint>, Number);
}

export async function goldenCase(name: string) {
  const file = new URL(`${name}/model/scheduler/scheduler_config.json`, folder);
  return {
    scheduler: decodeSchedulerConfig(JSON.parse(await readFile(file, "utf8")), fileURLToPath(file)),
    inputs: await tensors(name, "inputs"),
    expected: await tensors(name, "expected"),
    sampling: await tensors(name, "sampling"),
  };
}
