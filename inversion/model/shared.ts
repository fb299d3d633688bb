// Models and engines as services that all of a process share: asked for by what decides them, opened by whoever
// comes first. A model is headers alone and is kept; an engine holds a device, and is closed when the scope of
// the last who has it closes.
// The trap: a plan, the run after it and a stage have no scope in common and are handed no services (a stage's
// `run` needs none), so the layer is one for the process: `ManagedRuntime` builds it when somebody first asks.
import {
  Cache,
  Context,
  Duration,
  Effect,
  Equal,
  Exit,
  Hash,
  Layer,
  ManagedRuntime,
  RcMap,
  type Scope,
} from "effect";
import type { Engine } from "../../engine/session/engine.ts";
import type { Model } from "../../engine/weights/model.ts";
import type { Fault } from "../../lib/fault.ts";

/** How one is opened, as its key: two whose `deciding` (as JSON) is equal are one. */
class Opening<A, R = never> implements Equal.Equal {
  readonly #name: string;
  readonly open: Effect.Effect<A, Fault, R>;

  constructor(deciding: unknown, open: Effect.Effect<A, Fault, R>) {
    this.#name = JSON.stringify(deciding);
    this.open = open;
  }

  [Equal.symbol](other: Equal.Equal): boolean {
    return other instanceof Opening && other.#name === this.#name;
  }

  [Hash.symbol](): number {
    return Hash.string(this.#name);
  }
}

/** An engine, and who is told what it says: whoever came last of those that have it. */
export interface SharedEngine {
  readonly engine: Engine;
  readonly listeners: Set<(text: string) => void>;
}

class Models extends Context.Service<Models, Cache.Cache<Opening<Model>, Model, Fault>>()(
  "gnomic/Models",
) {
  static readonly layer = Layer.effect(
    Models,
    Cache.makeWith(({ open }: Opening<Model>) => open, {
      capacity: Infinity,
      // What failed is tried again by the next who asks.
      timeToLive: (exit) => Exit.isSuccess(exit) ? Duration.infinity : Duration.zero,
    }),
  );
}

type EngineOpening = Opening<SharedEngine, Scope.Scope>;

class Engines extends Context.Service<Engines, RcMap.RcMap<EngineOpening, SharedEngine, Fault>>()(
  "gnomic/Engines",
) {
  static readonly layer = Layer.effect(
    Engines,
    RcMap.make({ lookup: ({ open }: EngineOpening) => open }),
  );
}

const services = ManagedRuntime.make(Layer.mergeAll(Models.layer, Engines.layer)).contextEffect;
const models = Effect.map(services, Context.get(Models));
const engines = Effect.map(services, Context.get(Engines));

/** The model of these options, opened once. */
export const sharedModel = (
  deciding: unknown,
  open: Effect.Effect<Model, Fault>,
): Effect.Effect<Model, Fault> =>
  Effect.flatMap(models, (all) => Cache.get(all, new Opening(deciding, open)));

/** Whether somebody has opened it. */
export const isModelOpen = (deciding: unknown): Effect.Effect<boolean> =>
  Effect.flatMap(models, (all) => Cache.has(all, new Opening<Model>(deciding, Effect.never)));

/** The engine of this model and work, held until the scope closes. */
export const sharedEngine = (
  deciding: unknown,
  open: Effect.Effect<SharedEngine, Fault, Scope.Scope>,
): Effect.Effect<SharedEngine, Fault, Scope.Scope> =>
  Effect.flatMap(engines, (all) => RcMap.get(all, new Opening(deciding, open)));
