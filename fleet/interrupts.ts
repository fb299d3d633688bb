// What the engine keeps of calls that a replay cut off: for each an interrupt that means nobody, since its call was
// answered all the same, or was a second one that is not kept. A sweep of a thousand trainings leaves hundreds, and
// who takes over its shard reads them all.
// The trap: of a call that is not answered yet the interrupt is still meant, so it stays.
import { Effect } from "effect";
import type * as SqlClient from "effect/sql/SqlClient";

/** By the engine: a message that interrupts another, and one that asks for something. */
const [request, interrupt] = [0, 2];

export const dropInterrupts = (sql: SqlClient.SqlClient) =>
  Effect.asVoid(sql`DELETE FROM cluster_messages WHERE kind = ${interrupt} AND request_id NOT IN
    (SELECT id FROM cluster_messages WHERE kind = ${request} AND NOT processed)`);
