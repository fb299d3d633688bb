// Waits for what a test needs, however slow the machine is.
// The trap: what never comes is a failure that says what was waited for, not a suite without end.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

const patienceMs = 600_000;

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) assert.fail(`for ${patienceMs / 1000} s it was not so: ${holds}`);
    await sleep(100);
  }
}
