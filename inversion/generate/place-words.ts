// Which word of the prompt stands for which embedding, and what is wrong with that: an embedding that no
// text names, or a word that the model knows already.
// The trap: a prompt without the word would give an ordinary picture, and nobody would notice.
import { type Embedding, promptTokenizers } from "../../engine/sample/draw-picture.ts";
import { PlaceholderFault } from "../../engine/text/tokenizer-fault.ts";
import type { Model } from "../../engine/weights/model.ts";
import { allFaults } from "../../lib/fault.ts";
import { GenerateFault } from "./request.ts";
import type { LoadedEmbedding } from "./load-embedding.ts";

const callOtherwise = "Call it otherwise: --embedding my_word=FILE, with my_word in the prompt.";

const nameIn = (texts: readonly string[], { names }: LoadedEmbedding): string | undefined => {
  const all = texts.join("\n").toLowerCase();
  return names.find((name) => all.includes(name.toLowerCase()));
};

const unnamed = ({ path, names }: LoadedEmbedding) =>
  new GenerateFault({
    file: path,
    wanted: `a prompt that names it: ${names.join(" or ")}`,
    found: "neither that in the prompt nor in the negative one",
    fix: `Write ${names[0]} where the thing belongs, or leave the embedding out.`,
  });

const misfit = ({ path, widths }: LoadedEmbedding, model: Model, wanted: readonly number[]) =>
  new GenerateFault({
    file: path,
    wanted: `rows of widths ${wanted.join(" and ")}, as the text encoders of ${model.path} have`,
    found: widths.join(" and "),
    fix: "Name the model that it was trained with: --model.",
  });

/** The embeddings as the texts name them. Throws all faults at once. */
export function placeWords(
  model: Model,
  loaded: readonly LoadedEmbedding[],
  texts: readonly string[],
): readonly Embedding[] {
  const { textEncoder, textEncoder2 } = model.configs;
  const wanted = [textEncoder.hidden_size, textEncoder2.hidden_size];
  const faults = loaded.flatMap((each) => [
    ...(nameIn(texts, each) === undefined ? [unnamed(each)] : []),
    ...(each.widths.some((width, i) => width !== wanted[i]) ? [misfit(each, model, wanted)] : []),
  ]);
  if (faults.length > 0) throw allFaults(faults);
  const embeddings = loaded.map((each): Embedding => ({
    name: nameIn(texts, each)!,
    vectors: each.vectors,
    rows: each.rows,
  }));
  try {
    promptTokenizers(model, embeddings);
  } catch (cause) {
    if (!(cause instanceof PlaceholderFault)) throw cause;
    const { wanted, found } = cause;
    throw new GenerateFault({ key: "--embedding", wanted, found, fix: callOtherwise, cause });
  }
  return embeddings;
}
