// Writes config/schema/sweep.json: `node sweep/write-schema.ts`, after a change of what a sweep file holds.
import { writeFileSync } from "node:fs";
import { sweepSchemaText } from "./json-schema.ts";

writeFileSync(new URL("../config/schema/sweep.json", import.meta.url), sweepSchemaText());
