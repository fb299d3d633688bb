// What differs between two data sets, in words, for a plan: how many other pictures, how many fewer.
// The trap: a store may hold what an older version said of pictures; what has another form is just others.
import { Schema } from "effect";

/** What `inputs` of ingest says: the files with their masks are digests, the sources names and captions. */
const Said = Schema.Array(Schema.Struct({
  sources: Schema.Array(Schema.Json),
  digests: Schema.Array(Schema.NullOr(Schema.String)),
}));

/** What of `all` is not in `others`, each as often as it is there more often. */
function without(all: readonly unknown[], others: readonly unknown[]): readonly unknown[] {
  const left = [...others];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** E.g. "4 other pictures, 2 more". */
export function otherPictures(before: unknown, now: unknown): string {
  if (!Schema.is(Said)(before) || !Schema.is(Said)(now)) return "other pictures";
  const [had, has] = [before, now].map((said) => said.flatMap(({ digests }) => digests));
  const [gone, come] = [without(had, has).length, without(has, had).length];
  const other = Math.min(gone, come);
  const words = [
    ...(other === 0 ? [] : [`${other} other picture${other === 1 ? "" : "s"}`]),
    ...(come > other ? [`${come - other} more`] : gone > other ? [`${gone - other} fewer`] : []),
  ];
  return words.join(", ") || "other names, captions or order of the same pictures";
}
