// Reads the configuration of a training, decoded once, with everything that is wrong said at once.
// The trap: contradictions are looked for among what is well-formed, so they are said together with the rest.
import { Effect } from "effect";
import { ConfigFault } from "../runtime/options/config-fault.ts";
import { decodeLayers, readLayers } from "../runtime/options/read-layers.ts";
import type { ConfigLayers } from "../runtime/options/configuration.ts";
import { overlayRules } from "./alternatives.ts";
import { configNotes } from "./config-notes.ts";
import { contradictions } from "./contradictions.ts";
import { settledFixedLoss } from "./fixed-loss.ts";
import { placeKeys } from "./places.ts";
import { TrainingConfig } from "./training.ts";

export interface ReadConfig {
  readonly config: TrainingConfig;
  /** Said once: options that do not do here what their names say, and how files were combined. */
  readonly notes: readonly string[];
}

/**
 * The one resolved configuration of a training.
 * @errors ConfigFault with all findings.
 */
export const readConfig = Effect.fnUntraced(function* (layers: ConfigLayers) {
  const { source, findings, notes, broken } = yield* readLayers(layers, overlayRules, placeKeys());
  const resolved = broken ? { findings: [] } : decodeLayers(TrainingConfig, source, contradictions);
  const all = [...findings, ...resolved.findings];
  if (all.length > 0 || !("config" in resolved) || resolved.config === undefined) {
    return yield* new ConfigFault(all);
  }
  const notesOfConfig = configNotes(resolved.config);
  return { config: settledFixedLoss(resolved.config), notes: [...notes, ...notesOfConfig] };
});
