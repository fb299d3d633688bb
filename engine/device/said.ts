// What a device's process wrote to stderr, cut at the marks that it puts after each request, so that a
// message of a driver is known to belong to a step although it came another way.
// The trap: a reply may come before the text that was written before it.

/** What the process writes to stderr when a request is done. */
export const endMark = (id: number): string => `\u001e${id}\n`;

/** How much of what was said last is worth repeating. */
const tailLength = 600;

export class Said {
  /** Since the last mark. */
  #open = "";
  #tail = "";
  readonly #closed = new Map<number, string>();
  readonly #waiting = new Map<number, (said: string) => void>();

  add(text: string): void {
    const pieces = (this.#open + text).split(new RegExp("\u001e(\\d+)\n"));
    for (let i = 0; i + 2 < pieces.length; i += 2) this.#close(Number(pieces[i + 1]), pieces[i]);
    this.#open = pieces.at(-1)!;
  }

  /** Calls `take`, now or when its mark comes, with what was said during a request. */
  during(id: number, take: (said: string) => void): void {
    const said = this.#closed.get(id);
    this.#closed.delete(id);
    if (said === undefined) this.#waiting.set(id, take);
    else take(said);
  }

  /** The last words, of whatever request. */
  get last(): string {
    return (this.#tail + this.#open).slice(-tailLength).trim();
  }

  #close(id: number, said: string): void {
    this.#tail = (this.#tail + said).slice(-tailLength);
    const take = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (take === undefined) this.#closed.set(id, said);
    else take(said);
  }
}
