// Through a real message channel: what arrives is what was sent, and whose arrays are whose afterwards.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply, Request } from "./messages.ts";
import { replyOf, requestOf, transferableReply, transferableRequest } from "./transport.ts";

const sent = <A>({ message, buffers }: { message: A; buffers: readonly ArrayBuffer[] }): A =>
  structuredClone(message, { transfer: [...buffers] });

const tensor = (...values: readonly number[]) => ({
  type: "float32" as const,
  dims: [values.length],
  data: Float32Array.from(values),
});

test("requests arrive, and the sender keeps its arrays", () => {
  const run: Request = {
    kind: "run",
    id: 1,
    session: "s",
    feeds: { x: tensor(1, 2), y: tensor() },
  };
  const create: Request = {
    kind: "create",
    id: 2,
    session: "s",
    model: new Uint8Array([9, 8, 7, 6]).subarray(1, 3),
    folder: "/",
    settings: { provider: "cpu", threads: 1, mapWeights: true },
    optimised: false,
  };
  const release: Request = { kind: "release", id: 3, session: "s" };
  for (const request of [run, create, release]) {
    const before = structuredClone(request);
    assert.deepEqual(requestOf(sent(transferableRequest(request))), before);
    assert.deepEqual(request, before);
  }
});

test("replies arrive, and their arrays are given away", () => {
  const data = tensor(3, 4);
  const full: Reply = { id: 1, fetches: { z: data } };
  assert.deepEqual(replyOf(sent(transferableReply(full))), { id: 1, fetches: { z: tensor(3, 4) } });
  assert.equal(data.data.length, 0);
  for (const reply of [{ id: 2 }, { id: 3, error: "no" }] satisfies Reply[]) {
    assert.deepEqual(replyOf(sent(transferableReply(reply))), reply);
  }
});
