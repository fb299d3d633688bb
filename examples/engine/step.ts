// A training step with nothing of gnomic but its engine: a new word's vectors, one for each text encoder, are moved
// towards a grey picture. A training is many of these, with other pictures, captions and noise.
//   deno run -A examples/engine/step.ts
import {
  memoryPlans,
  noiseSchedule,
  normals,
  openModel,
  type OptimizerOptions,
  prepareEngine,
  type Rows,
  startOptimizer,
  stepOptimizer,
  tensor,
} from "../../engine/mod.ts";

const model = await openModel("sample_data/tiny-sdxl");
const sizes = [{ height: 16, width: 16 }]; // of the latents; eight pixels each way
const wish = { provider: "cpu", threads: 1, compute: "float32" } as const;
const engine = await prepareEngine({ ...wish, model, plans: memoryPlans, sizes, batch: 1 });
const { textEncoder, textEncoder2, scheduler } = model.configs;

// The word is the first id after the vocabulary, whose last two are a caption's start and end.
const word = textEncoder.vocab_size;
const caption = [word - 2, word, ...Array<number>(75).fill(word - 1)];
const { mean } = await engine.encodeImage(
  tensor(new Float32Array(3 * 128 * 128), [1, 3, 128, 128]),
);
const noise = normals({ seed: 1, purpose: "noise", step: 0, item: 0 }, mean.data.length);
const signal = noiseSchedule(scheduler).alphasCumprod[500];
const noisy = noise.map((value, i) =>
  Math.sqrt(signal) * mean.data[i] + Math.sqrt(1 - signal) * value
);
const batch = ([rows1, rows2]: Rows) => ({
  ...{ ids1: [caption], ids2: [caption], rows1, rows2 },
  ...{ timesteps: [500], timeIds: [[128, 128, 0, 0, 128, 128]] },
  ...{ noisy: tensor(Float32Array.from(noisy), mean.dims) },
  ...{ target: tensor(Float32Array.from(noise), mean.dims) },
  weight: tensor(new Float32Array(16 * 16).fill(1 / noise.length), [1, 1, 16, 16]),
});

const optimizer: OptimizerOptions = {
  ...{ optimizer_type: "AdamW", beta1: 0.9, beta2: 0.999, weight_decay: 0, epsilon: 1e-8 },
};
const start = [textEncoder, textEncoder2].map(({ hidden_size }) => new Float64Array(hidden_size));
const { loss, grad1, grad2 } = await engine.trainStep(batch(start));
const state = startOptimizer(optimizer, start);
const { rows } = stepOptimizer(state, [grad1, grad2], [0.01, 0.01], optimizer);
console.log(
  `loss ${loss.toFixed(4)} before the step, ${(await engine.loss(batch(rows))).toFixed(4)} after`,
);
await engine.close();
