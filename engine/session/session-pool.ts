// The compiled graphs of an engine: one session for each kind, batch and size, kept and used again. How
// many training graphs are kept may be bounded, and then the one used longest ago goes first.
// The trap: what is still being compiled is held already; whoever lets go of it waits for it.
import type { Session } from "../device/device.ts";
import type { Size } from "../networks/graphs.ts";

/** What a compiled graph is for: text encoders, a prediction, a training step, the VAE both ways. */
export type GraphKind = "text" | "predict" | "train" | "encode" | "decode";

/** The text encoders have a batch and no size. */
type AnySize = Pick<Size, "batch"> & Partial<Size>;

const keyOf = (kind: GraphKind, { batch, height, width }: AnySize): string =>
  `${kind} ${batch} ${height} ${width}`;

export class SessionPool {
  readonly #load: (kind: GraphKind, size: Size) => Promise<Session>;
  readonly #mostTrainings: number;
  /** In the order of last use, as far as training goes. */
  readonly #held = new Map<string, Promise<Session>>();

  constructor(
    load: (kind: GraphKind, size: Size) => Promise<Session>,
    mostTrainings: number = Infinity,
  ) {
    this.#load = load;
    this.#mostTrainings = mostTrainings;
  }

  /** Throws as `load` does; what failed is tried again the next time. */
  get(kind: GraphKind, size: AnySize): Promise<Session> {
    const key = keyOf(kind, size);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const session = this.#load(kind, size as Size);
    this.#held.set(key, session);
    session.catch(() => this.#held.delete(key));
    return session;
  }

  /** The session that trains this size; where no more may be held, another is let go of first. */
  async training(size: Size): Promise<Session> {
    const key = keyOf("train", size);
    const session = this.#held.get(key);
    if (session !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, session);
      return session;
    }
    const held = this.#trainings();
    const spare = Math.max(0, held.length + 1 - this.#mostTrainings);
    for (const old of held.slice(0, spare)) await this.#letGo(old);
    return this.get("train", size);
  }

  /** Compiles a training graph ahead of its first step, where one more may be held. */
  async prepareTraining(size: Size): Promise<void> {
    if (this.#trainings().length < this.#mostTrainings) await this.get("train", size);
  }

  async release(...kinds: readonly GraphKind[]): Promise<void> {
    for (const key of this.#held.keys()) {
      if (kinds.includes(key.split(" ")[0] as GraphKind)) await this.#letGo(key);
    }
  }

  #trainings(): readonly string[] {
    return [...this.#held.keys()].filter((key) => key.startsWith("train "));
  }

  async #letGo(key: string): Promise<void> {
    const session = this.#held.get(key)!;
    this.#held.delete(key);
    await session.then((loaded) => loaded.release(), () => {});
  }
}
