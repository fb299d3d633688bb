// A sweep file as JSON Schema, for completion and checks in editors.
import { JsonSchema } from "effect";
import { schemaNode } from "../runtime/options/schema-node.ts";
import { SweepFile } from "./definition.ts";

/** The text of config/schema/sweep.json. */
export const sweepSchemaText = (): string => {
  const schema = { title: "gnomic: sweep", ...schemaNode(SweepFile) };
  return `${
    JSON.stringify(
      {
        $schema: JsonSchema.META_SCHEMA_URI_DRAFT_07,
        ...JsonSchema.toDocumentDraft07({ dialect: "draft-2020-12", schema, definitions: {} })
          .schema,
      },
      null,
      2,
    )
  }\n`;
};
