"""Measure M: how well an embedding file says what the held-out pictures of the sample show.

The mean of epsilon's unweighted squared error over the six held-out pictures x timesteps 50, 100 ... 950
x two noises (228 values), with diffusers in float32, with the pooled text at the placeholder (InvokeAI,
diffusers) and at the end token (ComfyUI, A1111, Forge). Nothing of gnomic is used. Prints one JSON value.

    python tests/peers/measure_m.py [FILE ...]            each file, and how it differs from the first
    python tests/peers/measure_m.py --word gnome          of a word of the model instead, first

The trap: only differences between files mean anything, and only those that are paired value by value.
Needs: torch, diffusers, transformers, safetensors, pillow.
"""
import argparse
import json
import math
from pathlib import Path

import torch
from diffusers import DDPMScheduler, StableDiffusionXLPipeline
from PIL import Image, ImageOps
from safetensors.torch import load_file

SEED = 20111
NOISES = 2
TIMESTEPS = range(50, 951, 50)
PLACEHOLDER = "measured_thing"
ROOT = Path(__file__).parents[2]


def pixels(path, size):
    """[1, 3, size, size] in -1..1, upright, the middle of it."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    values = torch.tensor(list(picture.tobytes()), dtype=torch.float32)
    return (values.view(size, size, 3).permute(2, 0, 1) / 127.5 - 1)[None]


def place(pipe, rows):
    """The words that stand for the file's rows, which are laid behind both vocabularies."""
    vectors = rows["clip_l"].shape[0]
    words = [f"{PLACEHOLDER}{i}" for i in range(vectors)]
    both = ((pipe.tokenizer, pipe.text_encoder, "clip_l"), (pipe.tokenizer_2, pipe.text_encoder_2, "clip_g"))
    for tokenizer, encoder, name in both:
        # Where they stand since the file before, only the rows are exchanged.
        tokenizer.add_tokens([w for w in words if w not in tokenizer.get_vocab()])
        if encoder.get_input_embeddings().num_embeddings < len(tokenizer):
            encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        ids = tokenizer.convert_tokens_to_ids(words)
        encoder.get_input_embeddings().weight.data[ids] = rows[name].float()
    return " ".join(words)


def ids_of(tokenizer, captions):
    out = tokenizer(captions, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    return out.input_ids


def text(pipe, captions):
    """Context [B, 77, D], and the pooled text [B, P] under each rule."""
    first = pipe.text_encoder(ids_of(pipe.tokenizer, captions), output_hidden_states=True)
    ids = ids_of(pipe.tokenizer_2, captions)
    encoder = pipe.text_encoder_2
    second = encoder(ids, output_hidden_states=True)
    context = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    # The first end token: the padding of the second tokenizer may be another token.
    ends = (ids == pipe.tokenizer_2.eos_token_id).int().argmax(dim=-1)
    places = {"placeholder": ids.argmax(dim=-1), "end_token": ends}
    every = torch.arange(len(captions))
    pooled = {
        rule: encoder.text_projection(second.last_hidden_state[every, at]) for rule, at in places.items()
    }
    return context, pooled, second.text_embeds


@torch.no_grad()
def measure(pipe, items, word):
    """The 228 squared errors under each rule, in one order."""
    scheduler = DDPMScheduler.from_config(pipe.scheduler.config)
    assert scheduler.config.prediction_type == "epsilon"
    generator = torch.Generator().manual_seed(SEED)
    context, pooled, _ = text(pipe, [caption.replace("gnome", word) for _, caption in items])
    size = items[0][0].shape[-1]
    errors = {rule: [] for rule in pooled}
    for p, (image, _) in enumerate(items):
        latent = pipe.vae.encode(image).latent_dist.mean * pipe.vae.config.scaling_factor
        t = torch.tensor([t for t in TIMESTEPS for _ in range(NOISES)])
        noise = torch.randn(len(t), *latent.shape[1:], generator=generator)
        noisy = scheduler.add_noise(latent.expand_as(noise), noise, t)
        times = torch.tensor([[size, size, 0, 0, size, size]], dtype=torch.float32).expand(len(t), -1)
        for rule in pooled:
            answer = pipe.unet(
                noisy,
                t,
                encoder_hidden_states=context[p : p + 1].expand(len(t), -1, -1),
                added_cond_kwargs={"text_embeds": pooled[rule][p : p + 1].expand(len(t), -1), "time_ids": times},
            ).sample
            errors[rule] += ((answer - noise) ** 2).mean(dim=(1, 2, 3)).tolist()
    return errors


def mean(values):
    return math.fsum(values) / len(values)


def difference(values, than):
    """Mean and standard error of the paired differences."""
    each = [a - b for a, b in zip(values, than)]
    middle = mean(each)
    spread = math.fsum((d - middle) ** 2 for d in each) / (len(each) - 1)
    return [middle, math.sqrt(spread / len(each))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--word", help="a word of the model, measured before the files")
    parser.add_argument("--model", default=str(ROOT / "sample_data/tiny-sdxl"))
    parser.add_argument("--pictures", default=str(ROOT / "sample_data/tiny-bruce/held_out"))
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--values", action="store_true", help="print every value, too")
    asked = parser.parse_args()
    torch.manual_seed(0)
    pipe = StableDiffusionXLPipeline.from_pretrained(asked.model, torch_dtype=torch.float32)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2):
        part.eval()
    folder = Path(asked.pictures)
    lines = [json.loads(line) for line in (folder / "data.jsonl").read_text().splitlines() if line]
    items = [(pixels(folder / line["image"], asked.resolution), line["text"]) for line in lines]
    measured = []
    if asked.word:
        measured.append((asked.word, measure(pipe, items, asked.word)))
    for file in asked.files:
        measured.append((file, measure(pipe, items, place(pipe, load_file(file)))))
    results = [
        {
            "file": name,
            "M": {rule: mean(values) for rule, values in errors.items()},
            "minusFirst": {rule: difference(values, measured[0][1][rule]) for rule, values in errors.items()},
            **({"values": errors} if asked.values else {}),
        }
        for name, errors in measured
    ]
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
