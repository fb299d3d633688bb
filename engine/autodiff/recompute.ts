// Computes checkpointed stretches of the forward pass again when the backward pass reaches them (plan B,
// Chen et al. 2016, arXiv 1604.06174). What enters a stretch is kept; what is made inside it is cloned.
// A GELU is computed again in every plan from what is kept anyway: keeping its result would take a fifth of
// plan A's memory.
// The traps: clones must wait for the incoming gradient, so every kept input passes a gate; and a rule must
// get the same bits of a GELU in every plan, so never a clone of the node.
import type { Checkpoint, GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";
import { zeroAfter } from "./gate.ts";
import { geluAgain, normalOf } from "./gelu-rule.ts";
import type { Normal } from "./gradient-rule.ts";

export class Recomputation {
  readonly #g: GraphBuilder;
  readonly #nodes: readonly Node[];
  readonly #pending: Checkpoint[];
  readonly #gelus: ReadonlyMap<string, Node>;
  readonly #normals = new Map<Node, Normal>();
  readonly #activated = new Map<Node, Value>();
  readonly #again = new Map<string, Value>();

  constructor(g: GraphBuilder, nodes: readonly Node[], checkpoints: readonly Checkpoint[]) {
    this.#g = g;
    this.#nodes = nodes;
    this.#gelus = new Map(
      nodes.filter(({ op }) => op === "Gelu").map((node) => [node.outputs[0].name, node]),
    );
    this.#pending = [...checkpoints].sort((a, b) => a.first - b.first);
  }

  /** Call with each node index, descending, that gets a gradient. */
  enter(index: number, gradient: Value): void {
    const next = this.#pending.findLast(({ first, end }) => first <= index && index < end);
    if (next === undefined) return;
    this.#pending.splice(this.#pending.indexOf(next), 1);
    this.#g.scope("again", () => this.#clone(next, gradient));
  }

  kept(value: Value): Value {
    const gelu = this.#gelus.get(value.name);
    return gelu === undefined ? this.#cloned(value) : this.#activate(gelu);
  }

  normal(gelu: Node): Normal {
    const normal = this.#normals.get(gelu) ?? normalOf(this.#g, this.kept(gelu.inputs[0]!));
    this.#normals.set(gelu, normal);
    return normal;
  }

  #activate(gelu: Node): Value {
    const result = this.#activated.get(gelu) ?? geluAgain(this.#g, this.normal(gelu));
    this.#activated.set(gelu, result);
    return result;
  }

  #cloned(value: Value): Value {
    return this.#again.get(value.name) ?? value;
  }

  #clone({ first, end }: Checkpoint, gradient: Value): void {
    const g = this.#g;
    const stretch = this.#nodes.slice(first, end);
    const inside = new Set(stretch.flatMap((node) => node.outputs.map(({ name }) => name)));
    const computed = new Set(
      this.#nodes.slice(0, first).flatMap((n) => n.outputs.map((v) => v.name)),
    );
    const zero = zeroAfter(g, 1, gradient);
    const entering = new Map<string, Value>();
    const enter = (value: Value): Value => {
      // Frozen tensors and graph inputs are in memory anyway, and integers are shapes.
      if (!computed.has(value.name) || value.dtype !== g.compute) return value;
      const gated = entering.get(value.name) ?? g.apply("Add", [value, zero]);
      entering.set(value.name, gated);
      return gated;
    };
    for (const node of stretch) {
      const weight = g.weightAgain(node.outputs[0]);
      if (weight !== node.outputs[0]) {
        this.#again.set(node.outputs[0].name, weight);
        continue;
      }
      const inputs = node.inputs.map((value) =>
        value === null ? null : inside.has(value.name) ? this.#cloned(value) : enter(value)
      );
      const declared = node.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
      const outputs = g.scope(
        node.name,
        () => g.applyAll(node.op, inputs, node.attributes, { domain: node.domain, declared }),
      );
      node.outputs.forEach((value, i) => this.#again.set(value.name, outputs[i]));
    }
  }
}
