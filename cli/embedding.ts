// `embedding check FILE`: what each client will do with an embedding file. `embedding convert FILE`: from
// the one file that most load to diffusers' pair, and back.
import { Effect } from "effect";
import { checkEmbedding } from "../inversion/embedding/check-embedding.ts";
import {
  type Converted,
  convertEmbedding,
  type ConvertOptions,
  toCanonical,
  toDiffusersPair,
} from "../inversion/embedding/convert-embedding.ts";
import { reportText } from "../inversion/embedding/report-text.ts";
import { tryPromise } from "../lib/try-promise.ts";
import { type Command, type Terminal, UsageFault } from "./command.ts";
import { plainText } from "./plain-text.ts";

type Options = Readonly<Record<string, unknown>>;

const forms: Readonly<Record<string, typeof convertEmbedding>> = {
  diffusers: toDiffusersPair,
  canonical: toCanonical,
};

export const embeddingCommand: Command = {
  usage: "embedding <action> <file>",
  summary: "Check an embedding file (what each client does with it), or convert it",
  options: [
    [
      "--to <form>",
      "convert: diffusers (a pair of files) or canonical (one); the other by default",
    ],
    [
      "--out <path>",
      "convert: the folder of the pair, or the one file; beside the input by default",
    ],
    ["--token <text>", "convert: what the embedding is called, if not as the file says"],
    ["--json", "Print one JSON value instead of text"],
  ],
  examples: [
    "embedding check output/run/bruce_the_gnome.safetensors",
    "embedding convert bruce_the_gnome.safetensors",
    "embedding convert bruce_the_gnome-diffusers --to canonical",
  ],
  run: ([action, file], options, terminal) => {
    if (action === "check") return check(file, options, terminal);
    if (action === "convert") return convert(file, options, terminal);
    return Effect.fail(
      new UsageFault({
        key: "action",
        wanted: "check or convert",
        found: action,
        fix: "For example: embedding check bruce.safetensors",
      }),
    );
  },
};

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
