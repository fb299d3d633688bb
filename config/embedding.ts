// The embedding to train: its word, its vectors and what they begin as.
// The trap: with `initial_phrase` the phrase's tokens decide the number of vectors.
import { Schema } from "effect";
import { intBetween, option, required } from "../runtime/options/option.ts";

const textOrNull = Schema.NullOr(Schema.NonEmptyString);
const one = "Exactly one of initializer_token, initial_embedding_file and initial_phrase is set.";

export const embeddingFields = {
  placeholder_token: required(Schema.NonEmptyString, {
    doc:
      "The new word that stands for what is learned, in captions and prompts. It must not be a " +
      "word of the model's vocabulary. The file is named by its letters, digits and underscores.",
  }),
  num_vectors: option(intBetween(1, 75), {
    doc: "How many vectors are learned. Each takes one of a prompt's 75 tokens; 1 to 16 is usual.",
    unit: "vectors",
    default: 1,
  }),
  initializer_token: option(textOrNull, {
    doc:
      "Every vector begins as this word, which must be a single token. auto finds the word of the " +
      "vocabulary that says the training pictures best before it begins (as `suggest` does), some " +
      `hundred forward passes. ${one}`,
    default: null,
  }),
  initializer_rest: option(Schema.Literals(["repeat", "mean", "end"]), {
    doc:
      "With initializer_token: what the vectors after the first begin as. The same word again, the " +
      "mean of the vocabulary, or the token that ends texts. Several copies of a word are a worse " +
      "beginning than the word, which matters in short trainings.",
    default: "repeat",
    late: true,
  }),
  initial_embedding_file: option(textOrNull, {
    doc: `The vectors begin as those of an embedding file (clip_l and clip_g). ${one}`,
    default: null,
    unhashed: true,
    place: "path",
  }),
  initial_phrase: option(textOrNull, {
    doc: `One vector for each token of this phrase, beginning as that token. ${one}`,
    default: null,
  }),
  pooling: option(Schema.Literals(["auto", "argmax", "end_token", "mixed"]), {
    doc:
      "Where the pooled text is taken while training: at the largest token id, which in captions " +
      "with the placeholder is the placeholder's (as the reference, diffusers and InvokeAI with " +
      "SDXL), or at the end token (as ComfyUI, A1111 and Forge). mixed draws one of both for each " +
      "picture of a step, so that the file serves both kinds of clients, and measures both. auto is " +
      "mixed, or end_token where the model's eos_token_id has all clients take that.",
    default: "auto",
  }),
};
