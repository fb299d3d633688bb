// What can go wrong on a device, told from the texts of ONNX Runtime, drivers and operating systems. A
// DeviceMemoryFault is worth another try with a memory plan that needs less; after a DeviceLostFault the
// device is gone, and with it everything that was loaded on it; a DeviceNumbersFault came with numbers that
// cannot be, and is worth one more try.
// The trap: WebGPU says that memory ran out by an invalid buffer, and says it on stderr only.
import { fault } from "../../lib/fault.ts";
import type { Provider } from "./providers.ts";

/** The device refused a graph or a step. */
export class DeviceFault extends fault("DeviceFault", "world") {}

/** An allocation failed. */
export class DeviceMemoryFault extends fault("DeviceMemoryFault", "world") {}

/** The device, its driver or its process ended. */
export class DeviceLostFault extends fault("DeviceLostFault", "world", true) {}

/** A step gave what no step gives. */
export class DeviceNumbersFault extends fault("DeviceNumbersFault", "world") {}

const memory = new RegExp(
  [
    ..."failed to allocate|out of memory|outofmemory|not enough memory".split("|"),
    "out_of_(?:device_|host_|pool_)?memory",
    ..."insufficient memory|bad_alloc|bad allocation|8007000e|alloc_failed".split("|"),
    "\\[invalid buffer[^\\]]*\\] is invalid",
    "cuda failure 2\\b",
  ].join("|"),
  "i",
);
const loss = new RegExp(
  [
    "(?<![a-z])device\\]? (is |was |has been )?(lost|removed|hung)|(?<![a-z])device_(lost|removed|hung)|devicelost",
    "887a000[567]",
    "cuda failure (4|46|700|719|999)\\b",
  ].join("|"),
  "i",
);

/** The driver's kernel module and its libraries are of different versions. */
const mismatch = /cuda failure 80[34]\b|driver\/library version mismatch/i;

/** Dawn's own errors, which it only logs: the step ends as if nothing were wrong. */
const dawn = /WebGPU (?:device )?(?:error|lost)|\[Device\] is lost|uncaptured error/i;

/** The line of what a device's process wrote to stderr that makes a finished step a failed one. */
export const errorSaid = (said: string): string | undefined =>
  said.split("\n").find((line) => dawn.test(line));

/** The fault for ONNX Runtime's message, and for what was written to stderr with it. */
export function faultOf(provider: Provider, message: string, said = "") {
  // Where it is in ONNX Runtime's source helps nobody here, nor does the condition that was not met.
  const found = message.replace(/^.*?\.(?:cc|h):\d+ /s, "").replace(/^\S.*? was false\. /s, "")
    .trim();
  const all = `${message}\n${said}`;
  if (memory.test(all)) {
    return new DeviceMemoryFault({
      key: "memory_plan",
      wanted: `enough memory on the ${provider} device`,
      found,
      fix: "Choose a smaller resolution or batch, or memory_plan B or C, or end other programs " +
        "that hold the card's memory.",
    });
  }
  if (mismatch.test(all)) {
    return lostFault(
      provider,
      found,
      "The driver was updated while it was in use: restart the machine.",
    );
  }
  if (loss.test(all)) return lostFault(provider, found);
  const last = lastWords(said);
  return new DeviceFault({
    key: "provider",
    wanted: `the ${provider} device to carry out a step`,
    found: last === "" || found.includes(last) ? found : `${found} (${last})`,
    fix: "Run `doctor` to see which devices work here.",
  });
}

/** What a terminal is told of colours. */
const colours = new RegExp("\u001b\\[[\\d;]*m", "g");

/** The last line of stderr, without what ONNX Runtime puts before each. */
function lastWords(said: string): string {
  const lines = said.split("\n").map((line) => line.replace(colours, "").trim());
  const last = lines.findLast((line) => line !== "") ?? "";
  return last.replace(/^.*?\] (?=\S)/, "").slice(0, 400);
}

export const numbersFault = (provider: Provider, found: string) =>
  new DeviceNumbersFault({
    key: "provider",
    wanted: `the ${provider} device to compute numbers that can be`,
    found,
    fix:
      "The state before the step is kept: resume the run. `probe` tells whether the device computes " +
      "right; another provider, or weight_dtype: float32, may.",
  });

export const lostFault = (provider: Provider, found: string, remedy = "") =>
  new DeviceLostFault({
    key: "provider",
    wanted: `the ${provider} device to stay`,
    found,
    fix: [
      remedy,
      "Nothing that was finished is lost: resume the run, with another provider if it happens again.",
    ].filter((text) => text !== "").join(" "),
  });
