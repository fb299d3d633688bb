// In the engine's own tables: the interrupt of a call that waits for its answer stays, others go.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect, Layer } from "effect";
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage";
import * as SqlClient from "effect/sql/SqlClient";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { dropInterrupts } from "./interrupts.ts";
import { sqliteLayer } from "./sqlite.ts";

test("the interrupt of a call that waits stays; of one that was answered, or is not there, it goes", () =>
  withTemporaryFolder((folder) =>
    Effect.runPromise(
      Effect.gen(function* () {
        yield* Effect.scoped(Layer.build(SqlMessageStorage.layerMigrations({})));
        const sql = yield* SqlClient.SqlClient;
        const message = (id: number, kind: number, of: number, processed: boolean) =>
          sql`INSERT INTO cluster_messages
            (id, shard_id, entity_type, entity_id, kind, request_id, processed)
            VALUES (${id}, 'default:1', 'e', 'e', ${kind}, ${of}, ${processed})`;
        yield* message(1, 0, 1, true);
        yield* message(2, 0, 2, false);
        yield* message(3, 2, 1, false);
        yield* message(4, 2, 2, false);
        yield* message(5, 2, 9, false);
        yield* dropInterrupts(sql);
        const left = yield* sql<{ id: number }>`SELECT id FROM cluster_messages ORDER BY id`;
        assert.deepEqual(left.map(({ id }) => Number(id)), [1, 2, 4]);
      }).pipe(Effect.provide(sqliteLayer(join(folder, "fleet.db")))),
    )
  ));
