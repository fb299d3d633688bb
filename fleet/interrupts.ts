// What the engine keeps of calls that a replay cut off: for each an interrupt that nobody reads, since its call was
// answered all the same. A sweep of a thousand trainings leaves hundreds, which every look for messages passes over.
// The trap: of a call that is not answered yet the interrupt may still be read, so it stays.
import { Effect } from "effect";
import type * as SqlClient from "effect/sql/SqlClient";

/** By the engine: a message that interrupts another, and one that asks for something. */
const [request, interrupt] = [0, 2];

export const dropInterrupts = (sql: SqlClient.SqlClient) =>
  Effect.asVoid(sql`DELETE FROM cluster_messages WHERE kind = ${interrupt} AND request_id IN
    (SELECT id FROM cluster_messages WHERE kind = ${request} AND processed)`);
