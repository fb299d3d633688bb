// Writes config/schema/*.json: `node config/write-schemas.ts`. Run it after changing an option; a
// test compares the files with what it would write.
import { writeFileSync } from "node:fs";
import { schemaFiles } from "./json-schema.ts";

for (const [name, text] of Object.entries(schemaFiles())) {
  writeFileSync(new URL(`schema/${name}`, import.meta.url), text);
}
