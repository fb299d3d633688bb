// The artefact types of the built-in stages by name, for stages that come from outside.
export { captions } from "./captions.ts";
export { examples } from "./examples.ts";
export { latents } from "./latents.ts";
export { snapshots } from "./snapshots.ts";
export { tokenIds } from "./token-ids.ts";
export { validations } from "./validations.ts";
