// Imported before all else: a process whose clock is wrong by GNOMIC_TEST_CLOCK hours, as all that it runs sees it.
import process from "node:process";

const shiftMs = Number(process.env.GNOMIC_TEST_CLOCK ?? 0) * 3_600_000;
if (shiftMs !== 0) {
  const right = Date.now;
  class ShiftedDate extends Date {
    constructor(...given: readonly unknown[]) {
      super(...(given.length === 0 ? [right() + shiftMs] : given) as [number]);
    }
    static override now = () => right() + shiftMs;
  }
  globalThis.Date = ShiftedDate as DateConstructor;
}
