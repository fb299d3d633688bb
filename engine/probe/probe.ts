// One of everything the engine computes, from given inputs: how a user checks that a card computes right,
// and how the golden tests check us. Outputs are named as in tests/golden/README.md.
// One graph at a time is in the device's memory, so that what can train can also be probed.
// The trap: min-SNR here is in the reference's form, and the masked loss is not divided by the mask's
// mean, because that is what the golden values hold.
import type { Tensor } from "../device/messages.ts";
import { type NoiseSchedule, noiseSchedule } from "../diffusion/noise-schedule.ts";
import { prepareStep } from "../diffusion/objective.ts";
import { type Captions, type Conditioning, tensor } from "../session/batch.ts";
import type { Engine } from "../session/engine.ts";
import type { ProbeInputs } from "./probe-inputs.ts";

type Outputs = Map<string, Tensor>;
type DenoisingInputs = NonNullable<ProbeInputs["denoising"]>;

/** Everything that the inputs allow, by name. */
export async function probe(
  engine: Engine,
  { captions, denoising, image }: ProbeInputs,
): Promise<Outputs> {
  const outputs: Outputs = new Map();
  const schedule = noiseSchedule(engine.model.configs.scheduler);
  if (captions !== null) {
    const text = await engine.encodeText(captions);
    await engine.release("text");
    outputs.set("te1_hidden", text.hidden1).set("te2_hidden", text.hidden2);
    outputs.set("pooled", text.pooled);
    if (denoising !== null) {
      await probeDenoising(engine, schedule, captions, text, denoising, outputs);
    }
  }
  if (image !== null) await probeVae(engine, image, outputs);
  return outputs;
}

async function probeDenoising(
  engine: Engine,
  schedule: NoiseSchedule,
  captions: Captions,
  text: Conditioning,
  { latents, noise, mask, ...denoising }: DenoisingInputs,
  outputs: Outputs,
): Promise<void> {
  const [batch, , height, width] = latents.dims;
  const count = captions.rows1.length / engine.tokens[0].width;
  const prepare = (minSnrGamma: number | null, weights: Tensor | null) =>
    prepareStep({
      shape: latents.dims,
      latents: latents.data,
      noise: noise.data,
      timesteps: denoising.timesteps,
      ...(weights === null ? {} : { mask: weights.data }),
    }, { schedule, minSnrGamma, vMinSnr: "reference", maskNormalise: false });

  const plain = prepare(null, null);
  const noisy = tensor(plain.noisy, latents.dims);
  outputs.set("noisy", noisy).set("pred", await engine.predict(noisy, denoising, text));
  await engine.release("predict");
  const losses = {
    plain,
    snr5: prepare(5, null),
    ...(mask === null ? {} : { mask_snr5: prepare(5, mask) }),
  };
  for (const [name, { target, weight }] of Object.entries(losses)) {
    const { loss, grad1, grad2 } = await engine.trainStep({
      ...captions,
      ...denoising,
      noisy,
      target: tensor(target, latents.dims),
      weight: tensor(weight, [batch, 1, height, width]),
    });
    outputs.set(`loss_${name}`, tensor(Float32Array.of(loss), []));
    [grad1, grad2].forEach((gradient, i) =>
      outputs.set(
        `grad${i + 1}_${name}`,
        tensor(Float32Array.from(gradient), [count, engine.tokens[i].width]),
      )
    );
  }
  await engine.release("train");
}

async function probeVae(engine: Engine, image: Tensor, outputs: Outputs): Promise<void> {
  const { mean, logvar } = await engine.encodeImage(image);
  await engine.release("encode");
  // diffusers bounds the log-variance when it makes the distribution.
  const bounded = logvar.data.map((value) => Math.min(Math.max(value, -30), 20));
  outputs.set("vae_mean", mean).set("vae_logvar", tensor(bounded, logvar.dims));
  outputs.set("vae_decoded", await engine.decodeLatents(mean));
  await engine.release("decode");
}
