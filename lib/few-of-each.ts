// Many findings of one kind as the first few and how many more there are: a list of a thousand lines that
// all say the same tells less than five of them.
const shown = 5;

/** Messages in their order; alike are those that ask for the same change. */
export function fewOfEach<A extends { readonly fix: string }>(
  findings: readonly A[],
  describe: (finding: A) => string,
): readonly string[] {
  const seen = new Map<string, number>();
  const first = findings.filter(({ fix }) => {
    const count = (seen.get(fix) ?? 0) + 1;
    seen.set(fix, count);
    return count <= shown;
  });
  const more = [...seen].filter(([, count]) => count > shown);
  return [
    ...first.map(describe),
    ...more.map(([fix, count]) => `... and ${count - shown} more like these. ${fix}`),
  ];
}
