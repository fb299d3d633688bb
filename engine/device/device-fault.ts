// What can go wrong on a device. A DeviceMemoryFault is worth another try with a memory plan that needs
// less; after a DeviceLostFault the device is gone, and with it everything that was loaded on it.
import { fault } from "../../lib/fault.ts";
import type { Provider } from "./messages.ts";

/** The device refused a graph or a step. */
export class DeviceFault extends fault("DeviceFault", "world") {}

/** An allocation failed. */
export class DeviceMemoryFault extends fault("DeviceMemoryFault", "world") {}

/** The device, its driver or its process ended. */
export class DeviceLostFault extends fault("DeviceLostFault", "world", true) {}

const memory =
  /failed to allocate|out of memory|bad_alloc|not enough memory|outofmemory|8007000e|insufficient memory/i;
const loss =
  /device (is |was )?lost|device removed|device hung|887a000[56]|cuda failure (4|700|719)\b/i;

/** The fault for ONNX Runtime's message. */
export function faultOf(provider: Provider, message: string) {
  // Where it is in ONNX Runtime's source helps nobody here, nor does the condition that was not met.
  const found = message.replace(/^.*?\.(?:cc|h):\d+ /s, "").replace(/^\S.*? was false\. /s, "")
    .trim();
  if (memory.test(message)) {
    return new DeviceMemoryFault({
      key: "memory_plan",
      wanted: `enough memory on the ${provider} device`,
      found,
      fix: "Choose a smaller resolution or batch, or memory_plan B or C.",
    });
  }
  if (loss.test(message)) return lostFault(provider, found);
  return new DeviceFault({
    key: "provider",
    wanted: `the ${provider} device to carry out a step`,
    found,
    fix: "Run `doctor` to see which devices work here.",
  });
}

export const lostFault = (provider: Provider, found: string) =>
  new DeviceLostFault({
    key: "provider",
    wanted: `the ${provider} device to stay`,
    found,
    fix:
      "Nothing that was finished is lost: resume the run, with another provider if it happens again.",
  });
