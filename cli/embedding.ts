// `embedding check FILE`: what each client will do with an embedding file. `embedding convert FILE`: from
// the one file that most load to diffusers' pair, and back. `embedding average FILE...`: the mean of
// several. `embedding prune FILE`: fewer vectors.
import process from "node:process";
import { Effect } from "effect";
import { providers } from "../config/device.ts";
import { retiredProviders } from "../engine/device/providers.ts";
import { averageEmbeddings } from "../inversion/embedding/average-embeddings.ts";
import { checkEmbedding } from "../inversion/embedding/check-embedding.ts";
import {
  type Converted,
  convertEmbedding,
  type ConvertOptions,
  toCanonical,
  toDiffusersPair,
} from "../inversion/embedding/convert-embedding.ts";
import { prunable, pruneEmbedding } from "../inversion/embedding/prune-embedding.ts";
import { reportText } from "../inversion/embedding/report-text.ts";
import { baseModel } from "../inversion/generate/base-model.ts";
import { loadEmbedding } from "../inversion/generate/load-embedding.ts";
import type { Fault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { type Command, type Options, type Terminal, UsageFault } from "./command.ts";
import { optionReader } from "./option-reader.ts";
import { plainText } from "./plain-text.ts";
import type { Listener } from "../inversion/words/picture-loss.ts";
import { progressLine } from "./progress-line.ts";

const forms: Readonly<Record<string, typeof convertEmbedding>> = {
  diffusers: toDiffusersPair,
  canonical: toCanonical,
};

type Action = (
  files: readonly string[],
  options: Options,
  terminal: Terminal,
) => Effect.Effect<void, Fault>;

const actions: Readonly<Record<string, Action>> = {
  check: ([file], ...rest) => check(file, ...rest),
  convert: ([file], ...rest) => convert(file, ...rest),
  average: (files, { out, json }, { print }) =>
    Effect.map(
      tryPromise(() => averageEmbeddings(files, out === undefined ? undefined : String(out))),
      (averaged) => {
        if (json === true) return print(JSON.stringify(averaged));
        print(plainText(averaged.file));
        print(`  the mean of ${averaged.files} files`);
      },
    ),
  prune: ([file], ...rest) => prune(file, ...rest),
};

export const embeddingCommand: Command = {
  usage: "embedding <action> <...files>",
  summary: "Check an embedding file (what each client does with it), convert, average or prune it",
  options: [
    [
      "--to <form>",
      "convert: diffusers (a pair of files) or canonical (one); the other by default. " +
      "prune: how many vectors are left",
    ],
    [
      "--out <path>",
      "The new file (convert to diffusers: the pair's folder); beside the first input by default",
    ],
    ["--pictures <folder>", "prune: the pictures of the training, on which the loss is measured"],
    ["--steps <n>", "prune: for how many steps the vectors that are left are trained (60)"],
    ["--model <name>", "prune: the model; by default the one that the embedding was trained with"],
    ["--provider <name>", `prune: what computes: one of ${providers.join(", ")} (auto)`],
    ["--threads <n>", "prune: threads on the CPU; as many as there are cores by default"],
    ["--token <text>", "convert: what the embedding is called, if not as the file says"],
    ["--json", "Print one JSON value instead of text"],
  ],
  actions: Object.keys(actions),
  usedBy: {
    to: ["convert", "prune"],
    out: ["convert", "average", "prune"],
    token: ["convert"],
    ...Object.fromEntries(
      ["pictures", "steps", "model", "provider", "threads"].map((each) => [each, ["prune"]]),
    ),
  },
  examples: [
    "embedding check output/run/bruce_the_gnome.safetensors",
    "embedding convert bruce_the_gnome.safetensors",
    "embedding convert bruce_the_gnome-diffusers --to canonical",
    "embedding average seed-1.safetensors seed-2.safetensors --out mean.safetensors",
    "embedding prune bruce_the_gnome.safetensors --to 2 --pictures my-pictures",
  ],
  run: ([action, ...files], options, terminal) => {
    const most = action === "average" ? Infinity : 1;
    if (files.length <= most) return actions[action](files, options, terminal);
    return Effect.fail(
      new UsageFault({
        key: `embedding ${action}`,
        wanted: "one file",
        found: files.join(", "),
        fix: "For example: embedding check bruce.safetensors",
      }),
    );
  },
};

const prune: (file: string, options: Options, terminal: Terminal) => Effect.Effect<void, Fault> = (
  path,
  options,
  { print },
) =>
  Effect.scoped(Effect.gen(function* () {
    const { text, oneOf, number, refuse, end } = optionReader(
      options,
      "embedding prune FILE --to N --pictures FOLDER",
    );
    const whole = (value: number) => Number.isInteger(value) && value >= 0;
    const folder = text("pictures");
    if (folder === null) refuse("no --pictures (the folder of the training's pictures)");
    const to = number("to", null, (value) => Number.isInteger(value), "a whole number of vectors");
    if (text("to") === null) refuse("no --to (how many vectors are left)");
    const asked = yield* end({
      steps: number("steps", 60, whole, "a whole number from 0"),
      provider: oneOf("provider", providers, "auto", retiredProviders),
      threads: number("threads", null, (value) => whole(value) && value > 0, "a number from 1"),
    });
    const file = yield* tryPromise(() => prunable(path, to!));
    const loaded = yield* tryPromise(() => loadEmbedding(path));
    const named = { model: text("model"), vae: null, modelConfig: null };
    const { basis, size } = yield* tryPromise(() => baseModel([loaded], named));
    // Only this action computes: the others load no native code.
    const { openPictureLoss } = yield* tryPromise(() =>
      import("../inversion/words/picture-loss.ts")
    );
    const line = progressLine(process.stderr);
    const listener: Listener = {
      say: line.say,
      progress: (done, total, unit) => Effect.sync(() => line.update(done, total, unit)),
    };
    yield* Effect.gen(function* () {
      const measure = yield* openPictureLoss({ basis, folder: folder!, size, ...asked }, listener);
      const wish = { to: to!, steps: asked.steps, out: text("out") ?? undefined };
      const pruned = yield* pruneEmbedding(file, wish, measure, listener);
      line.clear();
      if (options.json === true) return print(JSON.stringify(pruned));
      const { before, dropped, refitted } = pruned.losses;
      print(plainText(pruned.file));
      print(
        `  vectors ${pruned.kept.map((place) => place + 1).join(", ")} are left; loss on ` +
          `${measure.pictures} pictures ${before.toFixed(5)} before, ${dropped.toFixed(5)} ` +
          `without the others, ${refitted.toFixed(5)} after ${asked.steps} steps: it cost ` +
          `${(refitted - before).toFixed(5)}`,
      );
    }).pipe(Effect.ensuring(Effect.sync(line.clear)));
  }));

const check = (file: string, { json }: Options, { print }: Terminal) =>
  Effect.map(tryPromise(() => checkEmbedding(file)), (report) => {
    if (json === true) print(JSON.stringify(report));
    else for (const line of reportText(report)) print(plainText(line));
  });

function convert(file: string, { to, out, token, json }: Options, { print }: Terminal) {
  const form = to === undefined ? convertEmbedding : forms[String(to)];
  if (form === undefined) {
    return Effect.fail(
      new UsageFault({
        key: "--to",
        wanted: Object.keys(forms).join(" or "),
        found: String(to),
        fix: "Leave it out for the other form than the file's.",
      }),
    );
  }
  const text = (value: unknown) => value === undefined ? undefined : String(value);
  const options: ConvertOptions = { out: text(out), token: text(token) };
  return Effect.map(tryPromise(() => form(file, options)), (converted) => {
    if (json === true) print(JSON.stringify(converted));
    else for (const line of convertedText(converted)) print(plainText(line));
  });
}

const convertedText = ({ files, token }: Converted): string[] =>
  files.length === 1 ? [`${files[0]}`, `  its name is its trigger: ${token}`] : [
    ...files,
    `  pipe.load_textual_inversion(${JSON.stringify(files[0])}, ` +
    "text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer)",
    `  pipe.load_textual_inversion(${JSON.stringify(files[1])}, ` +
    "text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)",
    `  the prompt's word: ${token}`,
  ];
