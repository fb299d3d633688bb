// What a manifest says of the fixed loss's inputs, as small as it can be: four pictures that are trained on.
export const measuredManifest = {
  seed: 1,
  configuration: {
    placeholder_token: "bruce",
    initializer_token: "gnome",
    data_loader: { caption_preset: "object", resolution: 512 },
    optimizer: { learning_rate: 0.01 },
  },
  inputs: {
    ingest: [{
      sources: ["001.jpg", "002.jpg", "003.jpg", "004.jpg"].map((name) => [name, null]),
      digests: ["1", "2", "3", "4"].map((digit) => digit.repeat(64)),
    }],
    "optimise-embeddings": {
      model: { weights: ["a".repeat(64)], configs: { textEncoder2: { eos_token_id: 2 } } },
      start: null,
    },
  },
};
