import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { catchSignals, onSoftStop } from "./signals.ts";

/** Signals at these milliseconds; what was asked for each. */
function asked(times: readonly number[], hasSoftStop: boolean) {
  const clock = { at: 0 };
  const calls: string[] = [];
  const release = hasSoftStop ? onSoftStop(() => void calls.push(`soft ${clock.at}`)) : () => {};
  const signals = catchSignals(() => void calls.push(`hard ${clock.at}`), () => clock.at);
  for (const at of times) {
    clock.at = at;
    process.emit("SIGINT");
  }
  signals.release();
  release();
  return { calls, code: signals.exitCode() };
}

test("the first stops softly, its echo within a second is ignored, a later one stops at once", () => {
  assert.deepEqual(asked([10, 40, 900], true), { calls: ["soft 10"], code: 130 });
  assert.deepEqual(asked([10, 40, 1500], true), { calls: ["soft 10", "hard 1500"], code: 130 });
});

test("without a soft stop the first stops at once", () => {
  assert.deepEqual(asked([10], false), { calls: ["hard 10"], code: 130 });
  assert.deepEqual(asked([], true), { calls: [], code: null });
});

test("a terminal that closes stops who has one, and nobody else", () => {
  for (const terminal of [true, false]) {
    let calls = 0;
    const signals = catchSignals(() => void calls++, () => 0, terminal);
    process.emit("SIGHUP");
    signals.release();
    assert.deepEqual([calls, signals.exitCode()], terminal ? [1, 129] : [0, null]);
  }
});
