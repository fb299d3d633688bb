// An embedding to draw with, from a file of any form: one file with clip_l and clip_g, or diffusers' pair
// (its folder or either half). `word=FILE` says what the prompt calls it.
// The trap: a path may hold "=" too, so a file that is there is taken as it stands.
import { basename } from "node:path";
import { kindOf } from "../../lib/plain-files.ts";
import { sha256 } from "../../lib/sha256.ts";
import { tokenOf } from "../embedding/check-embedding.ts";
import { asRows, readPair, type Rows } from "../embedding/diffusers-pair.ts";
import { type EmbeddingFile, isCanonical, readEmbedding } from "../embedding/embedding-file.ts";
import { isFolder } from "../embedding/pair-files.ts";
import { GenerateFault } from "./request.ts";

export interface LoadedEmbedding {
  readonly path: string;
  /** What a prompt may call it, the likeliest first. */
  readonly names: readonly string[];
  readonly vectors: number;
  readonly widths: readonly [number, number];
  /** [vectors * width] for each text encoder. */
  readonly rows: readonly [Float32Array, Float32Array];
  readonly metadata: Readonly<Record<string, string>>;
  /** SHA-256 of the rows. */
  readonly digest: string;
}

interface Halves {
  readonly clip_l: Rows;
  readonly clip_g: Rows;
  readonly token: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const canonicalHalves = (file: EmbeddingFile): Halves => {
  const half = (name: string) => asRows(file.tensors.find((tensor) => tensor.name === name)!);
  return {
    clip_l: half("clip_l"),
    clip_g: half("clip_g"),
    token: tokenOf(file),
    metadata: file.metadata,
  };
};

async function readHalves(path: string): Promise<Halves> {
  const file = await isFolder(path) ? undefined : await readEmbedding(path);
  return file !== undefined && isCanonical(file) ? canonicalHalves(file) : await readPair(path);
}

const bytesOf = ({ data }: Rows) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** `given` is FILE or word=FILE. Throws GenerateFault and what reading the file throws. */
export async function loadEmbedding(given: string): Promise<LoadedEmbedding> {
  const named = await kindOf(given) !== null ? null : /^([^=\\/]+)=(.+)$/.exec(given);
  const path = named === null ? given : named[2];
  const { clip_l, clip_g, token, metadata } = await readHalves(path);
  const both = [clip_l, clip_g];
  if (clip_l.shape[0] !== clip_g.shape[0]) {
    throw new GenerateFault({
      file: path,
      wanted: "as many vectors for the first text encoder as for the second",
      found: both.map(({ shape }) => shape[0]).join(" and "),
      fix: "Take a file that was trained for SDXL; `embedding check` says more of this one.",
    });
  }
  if (both.some(({ data }) => !data.every(Number.isFinite))) {
    throw new GenerateFault({
      file: path,
      wanted: "finite rows",
      found: "NaN or infinity: pictures with it come out black",
      fix: "Take an earlier checkpoint of its training.",
    });
  }
  const stem = basename(path).replace(/\.safetensors$/i, "");
  return {
    path,
    names: named === null ? [...new Set([token, stem])] : [named[1]],
    vectors: clip_l.shape[0],
    widths: [clip_l.shape[1], clip_g.shape[1]],
    rows: [clip_l.data, clip_g.data],
    metadata,
    digest: sha256(both.map((half) => sha256(bytesOf(half))).join()),
  };
}
