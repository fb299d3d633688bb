// config/schema/sweep.json is what it would be written as, and takes the sweeps that the project has.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Effect } from "effect";
import { optionRows } from "../config/option-rows.ts";
import { readDefinition } from "./definition.ts";
import { sweepSchemaText } from "./json-schema.ts";

const file = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("the schema file is fresh (node sweep/write-schema.ts writes it)", () =>
  assert.equal(file("config/schema/sweep.json"), sweepSchemaText()));

for (const name of readdirSync(new URL("../sweeps", import.meta.url))) {
  test(`sweeps/${name} is read`, () => {
    const options = optionRows().map(({ key }) => key);
    Effect.runSync(readDefinition(file(`sweeps/${name}`), name, { options, providers: [] }));
  });
}
