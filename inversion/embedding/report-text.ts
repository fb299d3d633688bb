// A report on an embedding file in words, for the terminal: the tensors, the clients, the remarks.
import type { EmbeddingReport } from "./check-embedding.ts";

const verbs = { yes: "loads", partly: "loads, but", no: "does not load it" } as const;

/** Lines without colours. */
export function reportText(report: EmbeddingReport): string[] {
  const { tensors, vectors, promptTokens, values, clientResults, metadata } = report;
  const widest = Math.max(...clientResults.map(({ client }) => client.length));
  const about = ["gnomic.base_model", "gnomic.step", "gnomic.tool"]
    .filter((key) => metadata[key] !== undefined)
    .map((key) => `${key.replace("gnomic.", "").replace("_", " ")} ${metadata[key]}`);
  return [
    report.file,
    `  ${
      tensors.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape.join(", ")}]`).join(", ")
    }`,
    `  ${vectors} of a prompt's ${promptTokens} tokens`,
    ...about.length > 0 ? [`  ${about.join(", ")}`] : [],
    ...values.map((remark) => `  ${remark}`),
    "",
    ...clientResults.flatMap(({ client, loads, remarks, trigger }) => [
      `  ${client.padEnd(widest)}  ${verbs[loads]}${
        trigger === undefined ? "" : `; type ${trigger}`
      }`,
      ...remarks.map((remark) => `  ${" ".repeat(widest)}  ${remark}`),
    ]),
  ];
}
