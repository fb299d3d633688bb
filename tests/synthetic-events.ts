// The events of a training, made of arithmetic: losses that fall, rows that grow, pictures and checkpoints
// at their steps, all the same at every call.
// The trap: they come in the order in which a training appends them, which is what readers rely on.
import type { RunEvent } from "../inversion/events.ts";

export interface SyntheticRun {
  readonly steps: number;
  readonly totalSteps: number;
  readonly validateEvery: number;
  readonly prompts: readonly string[];
  readonly imagesPerPrompt: number;
  readonly pictureSize: number;
  readonly stepSeconds: number;
  /** Another seed gives other numbers. */
  readonly seed: number;
  /** Trained, drawn and measured for both kinds of clients: pictures of a prompt take turns. */
  readonly forBoth: boolean;
}

export const defaultRun: SyntheticRun = {
  steps: 400,
  totalSteps: 400,
  validateEvery: 50,
  prompts: ["a photo of gnome_bruce at the beach", "a photo of gnome_bruce reading a book"],
  imagesPerPrompt: 1,
  pictureSize: 256,
  stepSeconds: 0.21,
  seed: 1,
  forBoth: false,
};

/** The fixed loss `loss` under each rule of pooling, and how well prompts are followed. */
export const underBoth = (loss: number) => ({ argmax: loss + 0.0004, end_token: loss - 0.0004 });
export const following = [
  { pooling: "argmax", mean: 0.768, error: 0.042 },
  { pooling: "end_token", mean: 0.419, error: 0.027 },
] as const;

const startedAt = Date.UTC(2026, 0, 5, 9, 0, 0);
const padded = (value: number, digits = 8) => String(value).padStart(digits, "0");
const epochOf = (step: number) => Math.ceil(step / 4);

const validationFolder = (step: number): string =>
  `validation/epoch_${padded(epochOf(step))}-step_${padded(step)}`;
export const picturePath = (step: number, prompt: number, image: number): string =>
  `${validationFolder(step)}/prompt_${padded(prompt, 4)}/${padded(image, 4)}.jpg`;
export const checkpointPath = (step: number): string =>
  `checkpoints/checkpoint-epoch_${padded(epochOf(step))}-step_${padded(step)}.safetensors`;

/** Uniform numbers in [0, 1) of a step, the same at each call. */
export const noise = (seed: number, step: number, item: number): number => {
  let x = Math.imul(seed * 7919 + step * 104729 + item * 1299709 + 12345, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
};

const words = ["gnome", "dwarf", "elf", "statue", "figurine", "wizard", "beard", "garden", "toy"];

const fixedLoss = ({ seed, totalSteps }: SyntheticRun, step: number): number => {
  const t = step / totalSteps;
  return 0.0866 + 0.0042 * Math.exp(-5 * t) + 0.0012 * Math.max(0, t - 0.72) +
    0.00012 * noise(seed, step, 9);
};

function rowsEvent({ seed, totalSteps }: SyntheticRun, step: number, at: number): RunEvent {
  const t = step / totalSteps;
  const encoder = (name: string, scale: number) => ({
    name,
    norms: [0, 1, 2, 3].map((row) =>
      scale * (1 + 0.25 * t + 0.06 * row * t + 0.02 * noise(seed, step, row))
    ),
    cosines: [0, 1, 2, 3].map((row) => 1 - 0.3 * t - 0.05 * row * t),
    vocabularyNorms: [0.84 * scale, scale, 1.18 * scale] as const,
    nearest: [0, 1, 2, 3].map((row) =>
      [0, 1, 2, 3, 4].map((rank) =>
        [
          words[(row + rank + Math.floor(3.99 * t * (1 + row / 4))) % words.length],
          0.82 - 0.3 * t - 0.07 * rank,
        ] as const
      )
    ),
  });
  return { event: "rows", at, step, encoders: [encoder("clip_l", 0.39), encoder("clip_g", 0.71)] };
}

function stepEvent(run: SyntheticRun, step: number, at: number): RunEvent {
  const draw = (item: number) => noise(run.seed, step, item);
  const share = 0.35 + 0.1 * draw(3);
  return {
    event: "step",
    at,
    step,
    epoch: epochOf(step),
    loss: 0.03 + 0.16 * draw(0) * draw(1) + 0.02 * Math.exp(-step / (run.totalSteps / 5)),
    lr: 0.002 * Math.min(1, step / 40) * (0.5 + 0.5 * Math.cos(Math.PI * step / run.totalSteps)),
    gradientNorm: 0.004 + 0.004 * draw(2),
    gradientShare: [share, 1 - share],
    seconds: run.stepSeconds * (0.94 + 0.12 * draw(4) + (draw(5) > 0.985 ? 0.6 : 0)),
    rssBytes: Math.round(1.9e9 + 6e7 * draw(6)),
  };
}

/** All events of the run in the order in which a training appends them. */
export function* syntheticEvents(
  run: SyntheticRun,
  name = "gnome_bruce-5a1e0b7c",
): Generator<RunEvent> {
  let at = startedAt;
  const tick = (seconds: number) => at += Math.round(seconds * 1000);
  const stage = (stage: string, seconds: number, cached: boolean): RunEvent[] => [
    { event: "stage-started", at, stage },
    { event: "stage-finished", at: tick(seconds), stage, cached, seconds },
  ];
  yield {
    event: "run-started",
    at,
    run: name,
    trigger: "gnome_bruce",
    attempt: 1,
    step: 0,
    totalSteps: run.totalSteps,
    device: "cpu",
    versions: { gnomic: "0.1.0", "onnxruntime-node": "1.30.0", runtime: "deno 2.9.6" },
  };
  yield {
    event: "plan",
    at,
    stages: [
      { stage: "ingest", cached: true, why: "unchanged" },
      { stage: "caption", cached: true, why: "unchanged" },
      { stage: "tokenise", cached: true, why: "unchanged" },
      {
        stage: "encode-latents",
        cached: false,
        why: "config changed: data_loader.resolution from 448 to 512",
      },
      { stage: "optimise-embeddings", cached: false, why: "new" },
      { stage: "validate", cached: false, why: "new" },
      { stage: "checkpoint", cached: false, why: "new" },
    ],
  };
  yield* stage("ingest", 0.02, true);
  yield* stage("caption", 0.01, true);
  yield* stage("tokenise", 0.01, true);
  yield { event: "stage-started", at, stage: "encode-latents" };
  yield {
    event: "stage-progress",
    at: tick(1),
    stage: "encode-latents",
    done: 2,
    total: 4,
    unit: "pictures",
  };
  yield {
    event: "stage-retried",
    at,
    stage: "encode-latents",
    attempt: 2,
    error: "the device was busy",
    delaySeconds: 1,
  };
  yield {
    event: "stage-finished",
    at: tick(2.4),
    stage: "encode-latents",
    cached: false,
    seconds: 3.4,
  };
  for (const name of ["optimise-embeddings", "validate", "checkpoint"]) {
    yield { event: "stage-started", at, stage: name };
  }
  yield rowsEvent(run, 0, at);

  let best = { step: 0, loss: Infinity };
  const losses = (step: number): RunEvent => {
    const loss = fixedLoss(run, step);
    if (loss < best.loss) best = { step, loss };
    const varianceRatio = step < run.totalSteps / 4 ? null : 1.4 - step / run.totalSteps;
    return {
      event: "fixed-loss",
      at,
      step,
      loss,
      bestStep: best.step,
      bestLoss: best.loss,
      varianceRatio,
      ...(run.forBoth ? { under: underBoth(loss) } : {}),
    };
  };
  function* validation(step: number): Generator<RunEvent> {
    const epoch = epochOf(step);
    const { prompts, imagesPerPrompt, pictureSize } = run;
    const pictures = prompts.length * imagesPerPrompt;
    yield { event: "validation-started", at, step, epoch, pictures };
    for (const [prompt, text] of prompts.entries()) {
      for (let image = 0; image < imagesPerPrompt; image++) {
        yield {
          event: "validation-picture",
          at: tick(0.05),
          step,
          epoch,
          prompt,
          image,
          text,
          path: picturePath(step, prompt, image),
          width: pictureSize,
          height: pictureSize,
          ...(run.forBoth ? { pooling: following[image % 2].pooling } : {}),
        };
      }
    }
    const measured = run.forBoth && step === run.totalSteps ? { following } : {};
    yield { event: "validation-finished", at, step, epoch, seconds: 0.05 * pictures, ...measured };
  }

  yield losses(0);
  yield* validation(0);
  for (let step = 1; step <= run.steps; step++) {
    const made = stepEvent(run, step, at) as RunEvent & { seconds: number };
    yield { ...made, at: tick(made.seconds) };
    if (step % 5 === 0) yield losses(step);
    if (step % 10 === 0) yield rowsEvent(run, step, at);
    if (step % run.validateEvery === 0) {
      yield {
        event: "checkpoint",
        at,
        step,
        epoch: epochOf(step),
        path: checkpointPath(step),
        best: best.step === step,
      };
      yield* validation(step);
    }
  }
  if (run.steps < run.totalSteps) return;
  for (const name of ["optimise-embeddings", "validate", "checkpoint"]) {
    yield {
      event: "stage-finished",
      at,
      stage: name,
      cached: false,
      seconds: (at - startedAt) / 1000,
    };
  }
  yield {
    event: "run-finished",
    at,
    step: run.steps,
    seconds: (at - startedAt) / 1000,
    files: ["gnome_bruce.safetensors"],
    early: false,
  };
}
