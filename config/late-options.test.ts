// Runs, stores and results of the first version keep their names: its options keep their defaults, and what
// came since is `late` (first-options.json is what the first version had).
// The trap: where a default has to change, an old configuration must still settle to what it was; such keys
// are listed here, and CHANGES.md says what happens to old runs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { optionRows } from "./option-rows.ts";

const first: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL("testing/first-options.json", import.meta.url), "utf8"),
);

/** Settled when a configuration is read, or kept by each run; and a mapping that holds a late key. */
const changed = ["fixed_loss_every", "fixed_loss_timesteps", "optimizer"];

test("no option of the first version has another default", () => {
  const rows = optionRows().map((row) =>
    [
      row.of.length > 0 ? `${row.key} of ${row.of.join(", ")}` : row.key,
      row.required ? "required" : row.default,
    ] as const
  );
  const now = new Map(rows);
  for (const [key, value] of Object.entries(first)) {
    assert.ok(now.has(key), `${key} is gone`);
    if (!changed.includes(key)) assert.deepEqual(now.get(key), value, key);
  }
});

test("every option that came since is late", () => {
  const known = new Set(Object.keys(first).map((key) => key.replace(/ of .*/, "")));
  const since = optionRows().filter(({ key }) => !known.has(key));
  assert.deepEqual(since.filter(({ late }) => !late).map(({ key }) => key), []);
  assert.ok(since.length > 0);
});
