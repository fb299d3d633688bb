// Fewer vectors in an embedding: one after the other goes the one whose absence raises the fixed-input loss
// least, then the rest are trained for some steps to make up for it, and what it cost is said.
// The trap: the loss is over the pictures that are given, so give those of the training.
import { dirname, join } from "node:path";
import { Effect } from "effect";
import { randomInt } from "../../engine/random/draw.ts";
import { optimizerStep, type StepRules } from "../../engine/optimise/optimizer-step.ts";
import { type OptimizerOptions, startOptimizer } from "../../engine/optimise/optimizer.ts";
import { standardDeviation } from "../../engine/optimise/std-pull.ts";
import type { Fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { Listener, PictureLoss, WordRows } from "../words/picture-loss.ts";
import { tokenOf } from "./check-embedding.ts";
import { asRows, type Rows } from "./diffusers-pair.ts";
import {
  type EmbeddingFile,
  EmbeddingFileFault,
  readEmbedding,
  requireCanonical,
} from "./embedding-file.ts";
import { writeEmbedding } from "./write-embedding.ts";
import { metadataKeys } from "../metadata-keys.ts";

export interface Pruned {
  readonly file: string;
  /** Places of the vectors that are left, from 0. */
  readonly kept: readonly number[];
  /** Fixed-input losses: of the whole embedding, without the dropped vectors, and after the refit. */
  readonly losses: { readonly before: number; readonly dropped: number; readonly refitted: number };
}

const timesteps = [200, 500, 800];
/** Of the vocabulary's spread, as short trainings take. */
const refitRate = 0.1;

/** Throws EmbeddingFileFault where so few cannot be left. Needs no model. */
export async function prunable(path: string, to: number): Promise<EmbeddingFile> {
  const file = await readEmbedding(path);
  requireCanonical(file);
  const vectors = halves(file)[0].shape[0];
  if (!Number.isInteger(to) || to < 1 || to >= vectors) {
    throw new EmbeddingFileFault({
      file: path,
      wanted: `--to with fewer vectors than the ${vectors} that there are, and one at least`,
      found: String(to),
      fix: vectors === 1
        ? "An embedding of one vector has none to spare."
        : `Give a number from 1 to ${vectors - 1}.`,
    });
  }
  return file;
}

const halves = (file: EmbeddingFile) =>
  (["clip_l", "clip_g"] as const).map((name) =>
    asRows(file.tensors.find((tensor) => tensor.name === name)!)
  );

/** Only these rows of both encoders. */
const rowsAt = (
  file: EmbeddingFile,
  places: readonly number[],
): readonly [Float64Array, Float64Array] => {
  const [first, second] = halves(file).map(({ shape: [, width], data }) =>
    Float64Array.from(
      places.flatMap((place) => Array.from(data.subarray(place * width, (place + 1) * width))),
    )
  );
  return [first, second];
};

/** `file` as `prunable` gave it; `steps` of refit. */
export const pruneEmbedding = (
  file: EmbeddingFile,
  { to, steps, out }: {
    readonly to: number;
    readonly steps: number;
    readonly out?: string | undefined;
  },
  measure: Pick<PictureLoss, "loss" | "gradient">,
  listener: Listener,
): Effect.Effect<Pruned, Fault> =>
  Effect.gen(function* () {
    const vectors = halves(file)[0].shape[0];
    const lossOf = (rows: WordRows, count: number) => measure.loss(rows, count, timesteps);
    let kept: readonly number[] = Array.from({ length: vectors }, (_, place) => place);
    const before = yield* lossOf(rowsAt(file, kept), vectors);
    let dropped = before;
    const drops = (vectors * (vectors + 1) - to * (to + 1)) / 2;
    let done = 0;
    while (kept.length > to) {
      const without = yield* Effect.forEach(kept, (place) =>
        Effect.gen(function* () {
          const rest = kept.filter((each) => each !== place);
          const loss = yield* lossOf(rowsAt(file, rest), rest.length);
          yield* listener.progress(++done, drops + steps, "measures");
          return { rest, loss };
        }));
      const [least] = without.toSorted((a, b) => a.loss - b.loss);
      ({ rest: kept, loss: dropped } = least);
    }
    const start = rowsAt(file, kept);
    let best: { readonly rows: WordRows; readonly loss: number } = { rows: start, loss: dropped };
    const optimizer: OptimizerOptions = {
      optimizer_type: "AdamW",
      beta1: 0.9,
      beta2: 0.999,
      weight_decay: 0.01,
      epsilon: 1e-8,
    };
    const spreads = start.map(standardDeviation);
    const rules: StepRules = {
      optimizer,
      rateUnits: spreads,
      maxGradNorm: null,
      stdPull: "off",
      spreads,
    };
    let state = startOptimizer(optimizer, start);
    for (let step = 0; step < steps; step++) {
      const timestep = randomInt({ seed: 0, purpose: "prune", step, item: 0 }, 1000);
      const rows: WordRows = [state.rows[0], state.rows[1]];
      const { grad1, grad2 } = yield* measure.gradient(rows, to, timestep, step + 1);
      const rate = refitRate * (1 - step / steps);
      state = optimizerStep(state, [grad1, grad2], rate, rules).state;
      yield* listener.progress(drops + step + 1, drops + steps, "steps");
      if ((step + 1) % 10 !== 0 && step + 1 < steps) continue;
      const moved: WordRows = [state.rows[0], state.rows[1]];
      const loss = yield* lossOf(moved, to);
      if (loss < best.loss) best = { rows: moved, loss };
    }
    const [l, g] = best.rows;
    const tensor = (values: ArrayLike<number>): Rows => ({
      dtype: "F32",
      shape: [to, values.length / to],
      data: Float32Array.from(values),
    });
    const target = out ?? join(dirname(file.path), `${tokenOf(file)}-${to}.safetensors`);
    yield* tryPromise(() =>
      writeEmbedding(target, { clip_l: tensor(l), clip_g: tensor(g) }, {
        ...file.metadata,
        [metadataKeys.vectors]: String(to),
        [metadataKeys.pruned]: JSON.stringify({ from: vectors, kept }),
      })
    );
    return { file: target, kept, losses: { before, dropped, refitted: best.loss } };
  });
