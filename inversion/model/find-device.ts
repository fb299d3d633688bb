// Which device `provider: auto` means on this machine, asked once for each run and kept in its manifest.
// The trap: the first time on a machine this computes for some seconds; it is remembered afterwards.
import type { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { Configuration } from "../../runtime/options/configuration.ts";

export interface FoundDevice {
  readonly device: string;
  /** Why this one. */
  readonly note: string | null;
}

export const findDevice = (
  { values }: Pick<Configuration, "values">,
): Effect.Effect<FoundDevice, Fault> =>
  tryPromise(async () => {
    const { chooseDevice } = await import("../../engine/setup/choose-device.ts");
    const card = values.device;
    const { provider, note } = await chooseDevice({
      provider: "auto",
      device: typeof card === "number" || typeof card === "string" ? card : null,
      threads: typeof values.threads === "number" ? values.threads : null,
      compute: values.weight_dtype === "float32" ? "float32" : "float16",
    });
    return { device: provider, note };
  });
