import assert from "node:assert/strict";
import { test } from "node:test";
import { allFaults, fault, Faults } from "./fault.ts";

class Mistake extends fault("Mistake", "user") {}
class Outage extends fault("Outage", "world") {}
const text = { wanted: "a", found: "b", fix: "c" };

test("several faults are told once each, and the most serious gives the kind", () => {
  const one = allFaults([new Outage(text), new Faults([new Outage(text), new Outage(text)])]);
  assert.equal(one._tag, "Outage");
  const two = allFaults([
    new Mistake(text),
    new Outage({ ...text, found: "d" }),
    new Mistake(text),
  ]);
  assert.equal(two.kind, "world");
  assert.match(two.message, /^2 problems:(\n {2}.*){2}$/);
});
