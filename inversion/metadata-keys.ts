// The keys of a result file's metadata that are gnomic's own; docs/file-formats.md says what each holds. A sweep
// adds two to its winner (fleet/winner-files.ts).
// The trap: files outlive a version, so a key may be added, and is never renamed.

export const metadataKeys = {
  trigger: "gnomic.trigger",
  vectors: "gnomic.vectors",
  step: "gnomic.step",
  epoch: "gnomic.epoch",
  configuration: "gnomic.configuration",
  configurationDigest: "gnomic.configuration_digest",
  places: "gnomic.places",
  baseModel: "gnomic.base_model",
  baseModelDigest: "gnomic.base_model_digest",
  pictures: "gnomic.pictures",
  picturesDigest: "gnomic.pictures_digest",
  fixedLossPictures: "gnomic.fixed_loss_pictures",
  fixedLossPicturesDigest: "gnomic.fixed_loss_pictures_digest",
  initialEmbeddingDigest: "gnomic.initial_embedding_digest",
  tool: "gnomic.tool",
  averaged: "gnomic.averaged",
  pruned: "gnomic.pruned",
} as const;
