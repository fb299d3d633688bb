// How many dependencies each function takes by name, read out of the source's text: a parameter, or a name taken
// out of one, that can do something, which is a function, an Effect, or what has a member that can.
// The trap: it knows the types that are written at the parameter; what is inferred counts as none.

interface Taken {
  readonly place: string;
  readonly names: readonly string[];
}

type Members = ReadonlyMap<string, string>;

/** Parts between commas that stand in no bracket. */
function split(text: string): readonly string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const [i, sign] of [...text].entries()) {
    if ("([{".includes(sign) || (sign === "<" && /\w/.test(text[i - 1]))) depth++;
    if (")]}".includes(sign) || (sign === ">" && text[i - 1] !== "=")) depth--;
    if (sign === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** What stands between the bracket that opens before `start` and the one that closes it. */
function inside(text: string, start: number): string {
  let depth = 1;
  let end = start;
  for (; depth > 0 && end < text.length; end++) {
    if ("([{".includes(text[end])) depth++;
    if (")]}".includes(text[end])) depth--;
  }
  return text.slice(start, end - 1);
}

const namesIn = (type: string) => [...type.matchAll(/\b[A-Z]\w*/g)].map(([name]) => name);

/** Interfaces and services, each with the types of its members. */
function interfacesIn(text: string): readonly (readonly [string, Members])[] {
  const shapes = /(?:interface (\w+)[^{]*|class (\w+) extends Context\.Service<\w+, )\{\n/g;
  return [...text.matchAll(shapes)].map((found) => {
    const body = inside(text, found.index + found[0].length);
    const members = body.matchAll(
      /^ {2}(?:readonly )?(\w+)\??(?:<[^>]*>)?([:(])(.*?)(?=^ {2}(?:readonly )?\w|(?![^]))/gms,
    );
    const types = [...members].map(([, name, sign, type]) =>
      [name, sign === "(" ? "() =>" : type] as const
    );
    return [found[1] ?? found[2], new Map(types)] as const;
  });
}

/** The functions of these sources (text by file), without comments, each with the dependencies that it takes. */
export function dependenciesIn(sources: ReadonlyMap<string, string>): readonly Taken[] {
  const known = new Map<string, Members>([...sources.values()].flatMap(interfacesIn));
  const able = new Set<string>();
  const canDo = (type: string) =>
    /=>|\bEffect</.test(type) || namesIn(type).some((name) => able.has(name));
  for (let before = -1; before !== able.size;) {
    before = able.size;
    for (const [name, members] of known) if ([...members.values()].some(canDo)) able.add(name);
  }
  const taken = (parameter: string): readonly string[] => {
    const [, pattern, name, type] = /^(?:\{([^]*?)\}|(\w+)\??)\s*:\s*([^]*)$/.exec(parameter) ?? [];
    if (type === undefined) return [];
    if (pattern === undefined) return canDo(type) ? [name] : [];
    const members = new Map(namesIn(type).flatMap((each) => [...known.get(each) ?? []]));
    return split(pattern).map((each) => each.split(/[:=]/)[0].trim())
      .filter((each) => canDo(members.get(each) ?? ""));
  };
  const heads = /(?:\bfunction\*?\s*\w*|\w+\s*[:=]\s*(?:async\s*)?)(?:<[^()]*>)?\(/g;
  return [...sources].flatMap(([file, text]) =>
    [...text.matchAll(heads)].map((found) => ({
      place: `${file}:${text.slice(0, found.index).split("\n").length}`,
      names: split(inside(text, found.index + found[0].length)).flatMap(taken),
    }))
  );
}
