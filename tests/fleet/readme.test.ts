// The README's studio, as it stands there: its files of mode 600, its worker in the background, its sweep of
// short trainings. Run by `deno task test:fleet`.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { blocksOf, makeProject, needsFleet, shell } from "../readme/readme-project.ts";
import { fleetTests, type Postgres, startPostgres } from "./postgres.ts";

const postgres: Postgres | null = fleetTests.skip === false
  ? await startPostgres({ bare: true })
  : null;
after(() => postgres?.remove());

test("a studio", fleetTests, () =>
  withTemporaryFolder(async (folder) => {
    const blocks = blocksOf("sh").filter(needsFleet);
    assert.equal(blocks.length, 1);
    makeProject(folder);
    writeFileSync(join(folder, "owner.url"), `${postgres!.owner}\n`, { mode: 0o600 });
    writeFileSync(join(folder, "fleet.url"), `${postgres!.address}\n`, { mode: 0o600 });
    // $! is the worker, which would go on.
    const said = await shell(folder, `trap 'kill $!; wait' EXIT\n${blocks[0]}`);
    assert.match(said, /worker may read and write/);
    assert.match(said, /rates: done, ranked by held_out/);
    assert.ok(existsSync(join(folder, "output", "rates", "best.safetensors")));
  }));
