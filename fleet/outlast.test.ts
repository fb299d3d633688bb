// What counts as the database being away: its own failures, also as the queue hands them on; not its answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cause, Effect } from "effect";
import { PersistedQueueError } from "effect/persistence/PersistedQueue";
import { makeWithTransaction, TransactionConnection } from "effect/sql/SqlClient";
import { ConnectionError, SqlError, SqlSyntaxError } from "effect/sql/SqlError";
import { asFailure } from "./broken-connection.ts";
import { outlast } from "./outlast.ts";

const away = new SqlError({ reason: new ConnectionError({ cause: null, operation: "execute" }) });
const wrong = new SqlError({ reason: new SqlSyntaxError({ cause: null, operation: "execute" }) });
const inQueue = (error: unknown) =>
  new PersistedQueueError({ message: "Failed to offer", cause: Cause.fail(error) });

/** How often it was asked, and what came of it, where it fails the first time. */
const asked = async (failure: unknown) => {
  let times = 0;
  const ask = Effect.suspend(() => times++ === 0 ? Effect.fail(failure) : Effect.succeed("there"));
  return [
    await Effect.runPromise(Effect.match(outlast(ask), {
      onSuccess: (found) => found,
      onFailure: (failure) => failure,
    })),
    times,
  ];
};

test("it asks again when the database was away, as itself or in the queue's words", async () => {
  assert.deepEqual(await asked(away), ["there", 2]);
  assert.deepEqual(await asked(inQueue(away)), ["there", 2]);
});

test("an answer of the database and what others failed of pass", async () => {
  for (const failure of [wrong, inQueue(wrong), inQueue("no"), new Error("no"), "no", null]) {
    assert.deepEqual(await asked(failure), [failure, 1]);
  }
});

test("a transaction that a broken connection could not roll back is begun again", async () => {
  let times = 0;
  const withTransaction = makeWithTransaction({
    transactionService: TransactionConnection(-1),
    spanAttributes: [],
    acquireConnection: () => Effect.succeed(null as never),
    begin: () => Effect.void,
    savepoint: () => Effect.void,
    commit: () => Effect.void,
    rollback: () => Effect.fail(away),
    rollbackSavepoint: () => Effect.void,
  });
  const work = Effect.suspend(() => times++ === 0 ? Effect.fail(away) : Effect.succeed("there"));
  assert.equal(await Effect.runPromise(outlast(asFailure(withTransaction(work)))), "there");
  assert.equal(times, 2);
});
