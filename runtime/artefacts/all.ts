// The artefact types of the built-in stages by name, for stages that come from outside.
export { examples } from "./examples.ts";
