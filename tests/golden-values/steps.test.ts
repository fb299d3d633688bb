// The three golden runs of twelve micro-steps, on the CPU.
import { after, test } from "node:test";
import { Device } from "../../engine/device/device.ts";
import { checkGoldenRun } from "./golden-run.ts";

const device = new Device({ provider: "cpu", threads: 1, mapWeights: true });
after(() => device.close());

for (const name of ["a", "b", "c"]) {
  for (const kind of ["plain", "pull_clip_accum", "pull_micro"] as const) {
    test(`case ${name}, ${kind}`, () => checkGoldenRun(device, name, kind));
  }
}
