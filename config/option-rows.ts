// Every option of the training configuration as a row, in the order of the schema.
// The trap: made on first use and kept, since it takes longer than reading a configuration.
import { TrainingConfig } from "./training.ts";
import { type OptionRow, optionTable } from "../runtime/options/option-table.ts";
import { schemaNode } from "../runtime/options/schema-node.ts";

let rows: readonly OptionRow[] | undefined;

export const optionRows = (): readonly OptionRow[] =>
  rows ??= optionTable(schemaNode(TrainingConfig));
