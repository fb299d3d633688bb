// A report on an embedding file in words, for the terminal: the tensors, the clients, the remarks.
import type { EmbeddingReport } from "./check-embedding.ts";
import { metadataKeys } from "../metadata-keys.ts";

const verbs = { yes: "loads", partly: "loads, but", no: "does not load it" } as const;

const places = {
  argmax: "at the placeholder",
  end_token: "at the end token",
  mixed: "at both places, drawn for each picture: for either kind of programs",
} as const;

/** First of all: four programs that do not load it say less than what it is for. */
const foreignText = ({ foreignWidths, metadata }: EmbeddingReport): string[] =>
  foreignWidths === null ? [] : [
    `  It is for a model whose text encoders are ${foreignWidths.join(" and ")} wide` +
    `${
      metadata[metadataKeys.baseModel] ? ` (${metadata[metadataKeys.baseModel]})` : ""
    }, a toy or a model ` +
    "of its own:",
    "  no program loads it into SDXL. `generate` draws with it.",
  ];

/** How many files, or vectors, it was made out of. */
function madeText(metadata: EmbeddingReport["metadata"]): string[] {
  const listed = (key: string): unknown => {
    try {
      return JSON.parse(metadata[key] ?? "null");
    } catch {
      return null;
    }
  };
  const averaged = listed(metadataKeys.averaged);
  const pruned = listed(metadataKeys.pruned);
  const from = typeof pruned === "object" && pruned !== null && "from" in pruned
    ? pruned.from
    : null;
  return [
    ...Array.isArray(averaged) ? [`  the mean of ${averaged.length} files`] : [],
    ...typeof from === "number" ? [`  what is left of ${from} vectors`] : [],
  ];
}

/** Lines without colours. */
export function reportText(report: EmbeddingReport): string[] {
  const { tensors, vectors, promptTokens, values, clientResults, metadata, trainedPooling } =
    report;
  const widest = Math.max(...clientResults.map(({ client }) => client.length));
  const about = [metadataKeys.baseModel, metadataKeys.step, metadataKeys.tool]
    .filter((key) => metadata[key] !== undefined)
    .map((key) => `${key.replace("gnomic.", "").replace("_", " ")} ${metadata[key]}`);
  return [
    report.file,
    ...foreignText(report),
    `  ${
      tensors.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(", ")}]`).join(", ")
    }`,
    `  ${vectors} of a prompt's ${promptTokens} tokens`,
    ...about.length > 0 ? [`  ${about.join(", ")}`] : [],
    ...madeText(metadata),
    ...trainedPooling === null ? [] : [`  trained with the pooled text ${places[trainedPooling]}`],
    ...values.map((remark) => `  ${remark}`),
    ...report.foreignWidths === null ? [""] : [],
    ...(report.foreignWidths === null ? clientResults : []).flatMap((
      { client, loads, remarks, trigger, pooling },
    ) => [
      `  ${client.padEnd(widest)}  ${verbs[loads]}${
        trigger === undefined ? "" : `; type ${trigger}; pools ${places[pooling]}`
      }`,
      ...remarks.map((remark) => `  ${" ".repeat(widest)}  ${remark}`),
    ]),
  ];
}
