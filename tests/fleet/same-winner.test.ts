// A sweep comes to the same leaderboard and the same winner's file, byte for byte, from one machine, from three
// and from three that are killed one after the other. The trainings are toys; half of the machines run under the
// other runtime. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { type CopyEmbedding, writeWinners } from "../../fleet/winner-files.ts";
import { readHeader, writeSafetensors } from "../../lib/safetensors/safetensors.ts";
import { otherRuntime } from "../../runtime/testing/other-runtime.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, cameTo, toyMachine, untilDone } from "./toy-fleet.ts";
import { chainOf, toySteps, toySweep } from "./toy-training.ts";
import { until } from "./until.ts";

await postgresForTests({ named: true });

const copy: CopyEmbedding = (from, to, more) =>
  Effect.promise(async () =>
    writeSafetensors(to, new Map(), { ...(await readHeader(from)).metadata, ...more })
  );

/** With so many machines, of which one is killed and replaced whenever that many results are there. */
async function trained(folder: string, count: number, killedAt: readonly number[]) {
  const plan = toySweep("same", 9, join(folder, "home"), { rungs: [4], factor: 3 });
  await ask((tables) => tables.submit(plan));
  let started = 0;
  const begin = () => {
    const runtime = started % 2 === 1 ? otherRuntime ?? undefined : undefined;
    return toyMachine(folder, `m${started++}`, runtime === undefined ? {} : { runtime });
  };
  const machines = Array.from({ length: count }, begin);
  for (const results of killedAt) {
    await until(async () => (await ask((tables) => tables.results("same"))).length >= results);
    const victim = machines.shift()!;
    victim.process.kill("SIGKILL");
    await victim.ended;
    machines.push(begin());
  }
  await untilDone("same");
  for (const machine of machines) machine.process.kill("SIGTERM");
  for (const machine of machines) await machine.ended;
  const { board, rows, runs } = await cameTo(folder, plan);
  const files = await Effect.runPromise(writeWinners(plan.base, board, copy));
  await ask((tables) => tables.remove("same"));
  return {
    rows,
    runs,
    winners: files.map((file) => [basename(file), readFileSync(file).toString("hex")]),
  };
}

test(
  "the same leaderboard and winner from 1 machine, from 3, and from 3 that are killed in turn",
  fleetTests,
  async () => {
    const one = await withTemporaryFolder((folder) => trained(folder, 1, []));
    // Losses are 7, 14, 21, 1, 8, 15, 22, 2 and 9.
    assert.deepEqual(one.rows.slice(0, 3).map(({ trial }) => trial), [4, 8, 1]);
    for (const { trial, steps, chain } of one.runs) {
      assert.deepEqual(steps, Array.from({ length: toySteps }, (_, i) => i + 1));
      assert.equal(chain, chainOf(trial));
    }
    assert.equal(one.winners.length, 1);
    assert.deepEqual(await withTemporaryFolder((folder) => trained(folder, 3, [])), one);
    assert.deepEqual(await withTemporaryFolder((folder) => trained(folder, 3, [2, 5, 9])), one);
  },
);
