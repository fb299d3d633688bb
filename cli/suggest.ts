// `suggest FOLDER`: the words of the model's vocabulary under which the pictures have the lowest
// fixed-input loss, as a table; one of them makes a good initializer_token.
// The trap: a word that says the pictures well need not be what people would call the thing.
import process from "node:process";
import { Effect } from "effect";
import { providers } from "../config/device.ts";
import { retiredProviders } from "../engine/device/providers.ts";
import { baseModel } from "../inversion/generate/base-model.ts";
import { type Listener, openPictureLoss } from "../inversion/words/picture-loss.ts";
import { suggestWords } from "../inversion/words/suggest-words.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command } from "./command.ts";
import { optionReader } from "./option-reader.ts";
import { plainText } from "./plain-text.ts";
import { progressLine } from "./progress-line.ts";
import { table } from "./table.ts";

const sample = { folder: "sample_data/tiny-bruce/train", model: "sample_data/tiny-sdxl" };

export const suggestCommand: Command = {
  usage: "suggest [folder]",
  summary: "Suggest words to begin with: those under which your pictures have the lowest loss",
  options: [
    ["--model <name>", `The model (with pictures of yours SDXL, else the sample's)`],
    ["--beside <word>", "A word of yours to have in the table, wherever it stands"],
    ["--top <n>", "How many words are printed (10)"],
    ["--size <pixels>", "Side of the square that pictures are cut to; the model's by default"],
    ["--provider <name>", `What computes: one of ${providers.join(", ")} (auto)`],
    ["--threads <n>", "Threads on the CPU; as many as there are cores by default"],
    ["--json", "Print one JSON value instead of text"],
  ],
  examples: [
    "suggest",
    "suggest my-pictures --model stabilityai/stable-diffusion-xl-base-1.0 --beside gnome",
  ],
  run: ([given], options, { print }) => {
    const { text, oneOf, number, end } = optionReader(options, "suggest FOLDER");
    const whole = (value: number) => Number.isInteger(value) && value > 0;
    const side = number("size", null, whole, "a whole number of pixels, the side of a square");
    const asked = end({
      provider: oneOf("provider", providers, "auto", retiredProviders),
      threads: number("threads", null, whole, "a whole number from 1"),
      top: number("top", 10, whole, "a whole number from 1"),
      size: side === null ? null : [side, side] as const,
    });
    const folder = given ?? sample.folder;
    return Effect.scoped(Effect.gen(function* () {
      const { top, ...rest } = yield* asked;
      const line = progressLine(process.stderr);
      const listener: Listener = {
        say: line.say,
        progress: (done, total, unit) => Effect.sync(() => line.update(done, total, unit)),
      };
      const model = text("model") ?? (given === undefined ? sample.model : null);
      const named = { model, vae: null, modelConfig: null };
      const { basis } = yield* tryPromise(() => baseModel([], named));
      yield* Effect.gen(function* () {
        const measure = yield* openPictureLoss({ basis, folder, ...rest }, listener);
        const all = yield* suggestWords(measure, text("beside"), listener);
        line.clear();
        const beside = text("beside")?.toLowerCase();
        const shown = all.map((each, i) => ({ place: i + 1, ...each }))
          .filter(({ place, word }) => place <= top || word === beside);
        if (options.json === true) return print(JSON.stringify(shown));
        const rows = shown.map(({ place, word, loss }) => [`${place}`, word, loss.toFixed(5)]);
        for (const row of table([["", "word", "loss"], ...rows])) print(plainText(row));
      }).pipe(Effect.ensuring(Effect.sync(line.clear)));
    }));
  },
};
