// The order of pictures: by name, with runs of digits compared as numbers, so that 2.jpg comes before
// 10.jpg. No locale is asked, so every machine, runtime and version gives the same order.
// The trap: a directory lists names in any order it likes; an order from there is not reproducible.

/** For `Array.sort`; zero only for equal names. */
export function byName(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = comparePart(left[i], right[i]);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareText(a, b);
}

const parts = (name: string): string[] => name.match(/\d+|\D+/g) ?? [];

function comparePart(a: string, b: string): number {
  if (!isDigits(a) || !isDigits(b)) return compareText(a, b);
  const left = a.replace(/^0+/, "");
  const right = b.replace(/^0+/, "");
  return left.length - right.length || compareText(left, right);
}

const isDigits = (part: string): boolean => /^\d/.test(part);

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;
