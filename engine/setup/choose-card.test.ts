// Which card computes: by index, by name, the strongest by itself, as CUDA counts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Card } from "../memory/cards.ts";
import { CardFault, chooseCard, visibleCards } from "./choose-card.ts";

const gib = 2 ** 30;
const nvidia = (index: number, name: string, total: number, computeCapability: number): Card => ({
  index,
  name: `NVIDIA GeForce ${name}`,
  vendor: "nvidia",
  uuid: `GPU-${index}a`,
  total: total * gib,
  free: total * gib,
  driver: "580.95",
  computeCapability,
});
const small = nvidia(0, "GTX 1650", 4, 7.5);
const large = nvidia(1, "RTX 4090", 24, 8.9);
const other = nvidia(2, "RTX 3060", 12, 8.6);
const three = [small, large, other];
const laptop: readonly Card[] = [
  { index: 0, name: "Intel Iris Xe", vendor: "other" },
  large,
];

test("CUDA: the strongest, or the one that is asked for", () => {
  const cuda = (wish: number | string | null, visible?: string) =>
    chooseCard("cuda", wish, three, visible);
  assert.deepEqual(cuda(null), { card: large, deviceId: 1 });
  assert.deepEqual(cuda(2), { card: other, deviceId: 2 });
  assert.deepEqual(cuda("3060"), { card: other, deviceId: 2 });
  assert.deepEqual(cuda("0"), { card: small, deviceId: 0 });
  assert.deepEqual(cuda("gtx"), { card: small, deviceId: 0 });
});

test("a part of several names is refused, where it is not one's end; cards of one name are alike", () => {
  assert.throws(() => chooseCard("cuda", "rtx", three), /found rtx among .*Write more of it/);
  const ti = nvidia(0, "RTX 3060 Ti", 8, 8.6);
  assert.equal(chooseCard("cuda", "3060", [ti, other]).card, other);
  assert.equal(chooseCard("cuda", "3060 ti", [other, ti]).card, ti);
  assert.equal(chooseCard("cuda", "4090", [large, { ...large, index: 2 }]).deviceId, 0);
});

test("CUDA_VISIBLE_DEVICES hides cards and counts the rest anew, by index or by UUID", () => {
  assert.deepEqual(chooseCard("cuda", null, three, "2,0"), { card: other, deviceId: 0 });
  assert.deepEqual(chooseCard("cuda", 1, three, "2,0"), { card: small, deviceId: 1 });
  assert.deepEqual(visibleCards(three, "GPU-1,7,0"), [large]);
  assert.deepEqual(visibleCards(three, ""), []);
  assert.deepEqual(chooseCard("cuda", null, three, ""), { card: undefined, deviceId: undefined });
});

test("a card that is not there is refused with the list of those that are", () => {
  for (const wish of [3, "4080", "1080"]) {
    assert.throws(() => chooseCard("cuda", wish, three), (fault) => {
      assert.ok(fault instanceof CardFault);
      assert.match(fault.message, /0: NVIDIA GeForce GTX 1650, 1: .*4090, 2: .*3060/);
      return true;
    });
  }
  assert.throws(() => chooseCard("cuda", 0, []), /no card that the system lists/);
  assert.throws(() => chooseCard("dml", 2, laptop), /0: Intel Iris Xe, 1: .*4090/);
  assert.throws(() => chooseCard("dml", "4090", laptop), /Write a number/);
});

test("WebGPU's driver takes the strong card of a laptop; another cannot be asked for", () => {
  assert.deepEqual(chooseCard("webgpu", null, laptop), { card: large, deviceId: undefined });
  assert.deepEqual(chooseCard("webgpu", "4090", laptop), { card: large, deviceId: undefined });
  assert.throws(() => chooseCard("webgpu", 0, laptop), CardFault);
  assert.equal(chooseCard("dml", 1, laptop).deviceId, 1);
});
