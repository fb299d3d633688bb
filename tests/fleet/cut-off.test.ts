// A machine whose way to the database is cut, as by a cable, for longer than its lease: nothing it sends arrives and
// no connection ends. Its run ends elsewhere; when the way is open again it notices, says nothing and takes what is
// next. One that is asked to stop meanwhile ends. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { gnomic, start } from "../end-to-end/project.ts";
import { row, sweepFile } from "./machines.ts";
import { fleetTests, postgresForTests } from "./postgres.ts";
import { ask, cameTo, toyMachine, untilDone } from "./toy-fleet.ts";
import { chainOf, toyLog, toySweep } from "./toy-training.ts";
import { until } from "./until.ts";

const postgres = await postgresForTests({ named: true });

/** A way to a port of this machine that can be cut: what was sent waits, both ways, and nothing closes. */
function cable(to: number) {
  const ends = new Set<Socket>();
  let isCut = false;
  const join = (from: Socket, into: Socket) => {
    ends.add(from);
    from.on("data", (bytes) => into.write(bytes)).on("error", () => {}).on("close", () => {
      ends.delete(from);
      into.destroy();
    });
    if (isCut) from.pause();
  };
  const server = createServer((socket) => {
    const database = connect(to, "127.0.0.1");
    join(socket, database);
    join(database, socket);
  });
  const port = new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
  );
  return {
    port,
    cut: () => {
      isCut = true;
      for (const end of ends) end.pause();
    },
    mend: () => {
      isCut = false;
      for (const end of ends) end.resume();
    },
    close: () => {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}

const steps = 400;

test(
  "cut off for longer than its lease: the run ends elsewhere, and it touches nothing",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const plan = toySweep("cut", 1, join(folder, "home"), { steps });
      await ask((tables) => tables.submit(plan));
      const url = new URL(postgres!.address);
      const way = cable(Number(url.port));
      url.port = String(await way.port);
      const far = toyMachine(folder, "far", { stepMs: 400, env: { GNOMIC_FLEET: url.href } });
      const log = () => toyLog(join(folder, "far", "cut-1")).length;
      await until(() => log() > 3);
      const near = toyMachine(folder, "near", { stepMs: 1 });
      await until(() => postgres!.sql("SELECT name FROM gnomic_workers").includes("near"));
      way.cut();
      await untilDone("cut");
      const pending = "SELECT count(*) FROM effect_queue WHERE state = 'pending'";
      await until(() => postgres!.sql(pending).trim() === "0");
      const rows = () =>
        postgres!.sql("SELECT r.*, s.outcome FROM gnomic_runs r, gnomic_results s") +
        postgres!.sql("SELECT id, state, attempts FROM effect_queue");
      const before = rows();
      const seen = () =>
        Number(postgres!.sql("SELECT seen_at FROM gnomic_workers WHERE name = 'far'"));
      const [from, goneAt] = [log(), seen()];
      await until(() => log() > from);
      way.mend();
      await far.line("cut/0/1/end is another worker's by now");
      await until(() => seen() > goneAt);
      assert.ok(log() < steps, "its training has ended before its last step");
      assert.equal(rows(), before);
      for (const { process } of [far, near]) process.kill("SIGTERM");
      for (const { ended } of [far, near]) await ended;
      way.close();
      const { runs } = await cameTo(folder, plan);
      assert.deepEqual(runs.map(({ chain }) => chain), [chainOf(1, steps)]);
    }),
);

test(
  "a worker that is cut off in a training and asked to stop ends all the same",
  fleetTests,
  () =>
    withTemporaryFolder(async (folder) => {
      const env = { GNOMIC_FLEET: postgres!.address };
      const file = sweepFile(folder, "alone", 20_000, [1]);
      const asked = await gnomic(["sweep", "run", file, "--detach"], { env });
      assert.equal(asked.code, 0, asked.stderr);
      const url = new URL(postgres!.address);
      const way = cable(Number(url.port));
      url.port = String(await way.port);
      const child = start(["worker", "--name", "alone", "--lease", "3"], {
        env: { GNOMIC_FLEET: url.href },
      });
      await until(() => Number(row(postgres!, "alone", "step")) > 0);
      way.cut();
      child.process.kill("SIGTERM");
      const { code, stdout, stderr } = await child.ended;
      assert.ok(code === 130 || code === 143, `${code} ${stderr}`);
      assert.match(stdout, /Stopping: trainings end after the step/);
      way.close();
      assert.equal((await gnomic(["sweep", "cancel", "alone"], { env })).code, 0);
    }),
);
