// Where a network's builder stands: the graph being built, the weights by diffusers name, and the path
// so far. `child` goes one step down in both the weights' names and the nodes' names.
import { fault } from "../../lib/fault.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import type { WeightTable, WeightView } from "../../lib/safetensors/weight-view.ts";

export class MissingWeight extends fault("MissingWeight", "user") {}

export class Module {
  readonly g: GraphBuilder;
  readonly #weights: WeightTable;
  readonly #prefix: string;

  constructor(g: GraphBuilder, weights: WeightTable, prefix = "") {
    this.g = g;
    this.#weights = weights;
    this.#prefix = prefix;
  }

  /** Builds `build` with the module called `name` below this one. */
  child<T>(name: string, build: (module: Module) => T): T {
    const inner = new Module(this.g, this.#weights, `${this.#prefix}${name}.`);
    return this.g.scope(name, () => build(inner));
  }

  has(name: string): boolean {
    return this.#weights.has(this.#prefix + name);
  }

  view(name: string): WeightView {
    const view = this.#weights.get(this.#prefix + name);
    if (view !== undefined) return view;
    throw new MissingWeight({
      tensor: this.#prefix + name,
      wanted: "this tensor in the model's weights",
      found: "no such tensor",
      fix: "Check that the model's files and its config.json belong together.",
    });
  }

  weight(name: string): Value {
    return this.g.weight(this.view(name));
  }

  bias(name = "bias"): Value | null {
    return this.has(name) ? this.weight(name) : null;
  }
}
