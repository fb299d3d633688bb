"""Random SDXL-shaped models with reference values, by diffusers and transformers in float64.

    python make_case.py OUT < cases.json

`cases.json` is a list of cases as tests/peers/shapes.test.ts has them; each becomes OUT/INDEX with a diffusers
folder `model` (without tokenizers), `inputs.safetensors` and `expected.safetensors`, named and computed as
tests/golden/README.md says: from exactly the stored weights, alphas_cumprod and sinusoids in float32.
"""
import json
import math
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

LENGTH = 77


def randomise(module, gain):
    """Every kind of weight is far from its special value: biases from 0, norms' scales from 1."""
    for name, weight in module.named_parameters():
        drawn = torch.randn_like(weight)
        if "embedding" in name and weight.ndim == 2 and "linear" not in name:
            weight.data = 0.3 * drawn
        elif weight.ndim > 1:
            weight.data = drawn * gain / math.sqrt(weight[0].numel())
        elif name.endswith("bias"):
            weight.data = 0.1 * drawn
        else:
            weight.data = 1 + 0.2 * drawn
    for name, weight in module.named_parameters():
        if name == "conv_in.weight" and gain != 1:
            weight.data *= 1e-3
    return module


class WithRows(torch.nn.Module):
    """The vocabulary with the placeholder's rows after it."""

    def __init__(self, vocabulary, rows):
        super().__init__()
        self.vocabulary, self.rows = vocabulary, rows

    def forward(self, ids):
        return torch.nn.functional.embedding(ids, torch.cat([self.vocabulary, self.rows]))


def captions(case, encoder):
    """Begin, words, the placeholder's rows in the middle of them, end, padding with the end or with 0."""
    size, rows, batch = encoder["vocab_size"], case["rows"], case["batch"]
    begin, end = size - 2, size - 1
    ids = torch.full((batch, LENGTH), end)
    for b in range(batch):
        before = torch.randint(0, size - 2, (2 + 3 * b,)).tolist()
        after = torch.randint(0, size - 2, (1 + 5 * b,)).tolist()
        text = [begin, *before, *range(size, size + rows), *after, end]
        ids[b, : len(text)] = torch.tensor(text)
        if b % 2 == 1:
            ids[b, len(text):] = 0
    return ids


def build(case):
    dtype = getattr(torch, case["dtype"])
    text = {"max_position_embeddings": LENGTH, "bos_token_id": 0, "pad_token_id": 1}
    configs = [CLIPTextConfig(**text | case[name]) for name in ("text_encoder", "text_encoder_2")]
    modules = {
        "text_encoder": CLIPTextModel(configs[0]),
        "text_encoder_2": CLIPTextModelWithProjection(configs[1]),
        "unet": UNet2DConditionModel(addition_embed_type="text_time", **case["unet"]),
        "vae": AutoencoderKL(**case["vae"]),
    }
    return {
        name: randomise(module, case["gain"]).to(dtype).eval()
        for name, module in modules.items()
    }


def save(case, modules, scheduler, folder):
    options = {"max_shard_size": case["max_shard_size"]}
    if case["variant"] is not None:
        options["variant"] = case["variant"]
    for name, module in modules.items():
        module.save_pretrained(folder / name, **options)
    scheduler.save_pretrained(folder / "scheduler")


def draw_inputs(case):
    (h, w), batch, rows = case["latents"], case["batch"], case["rows"]
    encoders = case["text_encoder"], case["text_encoder_2"]
    ids = [captions(case, encoder) for encoder in encoders]
    return {
        "latents": torch.randn(batch, case["unet"]["in_channels"], h, w),
        "noise": torch.randn(batch, case["unet"]["in_channels"], h, w),
        "t": torch.tensor(case["t"]),
        "ids1": ids[0],
        "ids2": ids[1],
        "time_ids": torch.randint(0, 1500, (batch, 6)).float(),
        "mask": torch.rand(batch, 1, h, w),
        "rows1": 0.3 * torch.randn(rows, encoders[0]["hidden_size"]),
        "rows2": 0.3 * torch.randn(rows, encoders[1]["hidden_size"]),
        "image": 2 * torch.rand(1, 3, *case["image"]) - 1,
    }


def snr_weight(alpha, prediction_type):
    snr = alpha / (1 - alpha)
    weight = torch.where(snr <= 5, torch.ones_like(snr), 5 / snr)
    return weight + 1 if prediction_type == "v_prediction" else weight


def reference(modules, scheduler, inputs):
    wide = {name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}
    for module in modules.values():
        module.double().requires_grad_(False)
    rows = [wide[name].requires_grad_() for name in ("rows1", "rows2")]
    encoders = modules["text_encoder"], modules["text_encoder_2"]
    for encoder, own in zip(encoders, rows):
        encoder.set_input_embeddings(WithRows(encoder.get_input_embeddings().weight, own))
    texts = [
        encoder(wide[ids], output_hidden_states=True)
        for encoder, ids in zip(encoders, ("ids1", "ids2"))
    ]
    hidden = [text.hidden_states[-2] for text in texts]
    pooled = texts[1].text_embeds

    alpha = scheduler.alphas_cumprod[wide["t"]].double()
    signal, spread = [x.sqrt().view(-1, 1, 1, 1) for x in (alpha, 1 - alpha)]
    noisy = signal * wide["latents"] + spread * wide["noise"]
    kind = scheduler.config.prediction_type
    velocity = signal * wide["noise"] - spread * wide["latents"]
    target = wide["noise"] if kind == "epsilon" else velocity
    added = {"text_embeds": pooled, "time_ids": wide["time_ids"]}
    context = torch.cat(hidden, dim=-1)
    prediction = modules["unet"](noisy, wide["t"], context, added_cond_kwargs=added).sample
    square = (prediction - target) ** 2
    weight = snr_weight(alpha, kind).view(-1, 1, 1, 1)
    out = {
        "te1_hidden": hidden[0],
        "te2_hidden": hidden[1],
        "pooled": pooled,
        "noisy": noisy,
        "pred": prediction,
    }
    losses = {"plain": square, "snr5": weight * square, "mask_snr5": weight * square * wide["mask"]}
    for name, values in losses.items():
        loss = values.mean()
        found = torch.autograd.grad(loss, rows, retain_graph=True, allow_unused=True)
        gradients = [g if g is not None else torch.zeros_like(r) for g, r in zip(found, rows)]
        out |= {f"loss_{name}": loss, f"grad1_{name}": gradients[0], f"grad2_{name}": gradients[1]}
    with torch.no_grad():
        posterior = modules["vae"].encode(wide["image"]).latent_dist
        out |= {
            "vae_mean": posterior.mean,
            "vae_logvar": posterior.logvar,
            "vae_decoded": modules["vae"].decode(posterior.mean).sample,
        }
    return out


def write(path, tensors):
    save_file({name: x.detach().contiguous() for name, x in tensors.items()}, path)


def main(out):
    torch.set_num_threads(1)
    for index, case in enumerate(json.load(sys.stdin)):
        torch.manual_seed(index)
        folder = Path(out) / str(index)
        modules = build(case)
        scheduler = DDPMScheduler(**case["scheduler"])
        save(case, modules, scheduler, folder / "model")
        inputs = draw_inputs(case)
        write(folder / "inputs.safetensors", inputs)
        expected = reference(modules, scheduler, inputs)
        write(folder / "expected.safetensors", {name: x.float() for name, x in expected.items()})


main(sys.argv[1])
