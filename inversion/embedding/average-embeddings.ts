// The mean of several embedding files of one start: checkpoints of a training, or the same training with
// several seeds. Rows mean the same thing in all of them only where they began alike.
// The trap: the order of the files must not matter to the last bit, so they are summed in the order of their
// bytes, and what is said of one of them is said of the first in that order.
import { dirname, join, resolve } from "node:path";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { tokenOf } from "./check-embedding.ts";
import { asRows } from "./diffusers-pair.ts";
import {
  type EmbeddingFile,
  EmbeddingFileFault,
  readEmbedding,
  requireCanonical,
} from "./embedding-file.ts";
import { sha256 } from "../../lib/sha256.ts";
import { writeEmbedding } from "./write-embedding.ts";
import { metadataKeys } from "../metadata-keys.ts";

export interface Averaged {
  readonly file: string;
  readonly files: number;
}

/** What decides where the rows of a training begin, by its metadata. */
const startKeys = [
  "initializer_token",
  "initializer_rest",
  "initial_phrase",
  "initial_embedding_file",
  "num_vectors",
];

function startOf({ metadata }: EmbeddingFile): string | null {
  const text = metadata[metadataKeys.configuration];
  if (text === undefined) return null;
  try {
    const configuration = JSON.parse(text);
    const began = startKeys.map((key) => configuration[key] ?? null);
    return canonicalJson([...began, metadata[metadataKeys.initialEmbeddingDigest] ?? null]);
  } catch {
    return null;
  }
}

const modelOf = (metadata: EmbeddingFile["metadata"]): string | undefined =>
  metadata[metadataKeys.baseModelDigest] ?? metadata[metadataKeys.baseModel];

const half = (file: EmbeddingFile, name: "clip_l" | "clip_g") =>
  asRows(file.tensors.find((tensor) => tensor.name === name)!);

/** What must be the same in all files, in words. */
const facts = (file: EmbeddingFile): readonly (readonly [what: string, value: string])[] => [
  ["vectors", `${half(file, "clip_l").shape[0]} and ${half(file, "clip_g").shape[0]}`],
  ["widths", `${half(file, "clip_l").shape[1]} and ${half(file, "clip_g").shape[1]}`],
  ["model", modelOf(file.metadata) ?? "one that it does not name"],
  ["start", startOf(file) ?? "one that it does not name"],
];

/** `out` by default lies beside the first. Throws EmbeddingFileFault and what reading and writing throw. */
export async function averageEmbeddings(
  paths: readonly string[],
  out?: string,
): Promise<Averaged> {
  if (paths.length < 2) {
    throw new EmbeddingFileFault({
      wanted: "two or more embedding files",
      found: String(paths.length),
      fix: "Name the checkpoints of a training, or the results of several seeds.",
    });
  }
  const twice = paths.find((path, i) =>
    paths.slice(0, i).some((at) => resolve(at) === resolve(path))
  );
  if (twice !== undefined) {
    throw new EmbeddingFileFault({
      file: twice,
      wanted: "each file once",
      found: "it twice",
      fix: "Leave one out, or name another.",
    });
  }
  const files = await Promise.all(paths.map(readEmbedding));
  const first = files[0];
  for (const file of files) {
    requireCanonical(file);
    for (const [i, [what, found]] of facts(file).entries()) {
      const [, wanted] = facts(first)[i];
      if (found === wanted) continue;
      throw new EmbeddingFileFault({
        file: file.path,
        wanted: `the ${what} of ${first.path}: ${wanted}`,
        found,
        fix: "Only files of one model and one start have a mean that means something.",
      });
    }
  }
  const ordered = files.map((file) => ({
    file,
    key: sha256(
      JSON.stringify(
        ["clip_l", "clip_g"].map((name) => Array.from(half(file, name as "clip_l").data)),
      ),
    ),
  })).toSorted((a, b) => a.key < b.key ? -1 : 1);
  const mean = (name: "clip_l" | "clip_g") => {
    const { shape, data } = half(first, name);
    const sum = new Float64Array(data.length);
    for (const { file } of ordered) half(file, name).data.forEach((value, i) => sum[i] += value);
    return { dtype: "F32" as const, shape, data: Float32Array.from(sum, (v) => v / files.length) };
  };
  const said = (key: string) => new Set(files.map(({ metadata }) => metadata[key])).size === 1;
  const metadata = Object.entries(ordered[0].file.metadata)
    .filter(([key]) => (key !== metadataKeys.step && key !== metadataKeys.epoch) || said(key));
  const target = out ?? join(dirname(first.path), `${tokenOf(first)}-average.safetensors`);
  await writeEmbedding(target, { clip_l: mean("clip_l"), clip_g: mean("clip_g") }, {
    ...Object.fromEntries(metadata),
    [metadataKeys.averaged]: JSON.stringify(ordered.map(({ key }) => key)),
  });
  return { file: target, files: files.length };
}
