// HTML from values. Every text of a run (prompts, words, errors, paths) goes through `escape`, so none
// of them can become markup in a report that is sent to somebody.

/** HTML that was built, as opposed to a text. */
export interface Html {
  readonly html: string;
}

type Child = Html | string | number | null | undefined | false;

/** Control characters, which neither HTML nor XML may hold. */
// deno-lint-ignore no-control-regex
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g;

export const escape = (text: string): string =>
  text.toWellFormed().replace(unprintable, "\ufffd")
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const render = (child: Child | readonly Child[]): string =>
  Array.isArray(child)
    ? child.map((each) => render(each as Child)).join("")
    : child === null || child === undefined || child === false
    ? ""
    : typeof child === "object"
    ? (child as Html).html
    : escape(String(child));

/** A template whose values are escaped unless they are `Html` themselves. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (Child | readonly Child[])[]
): Html {
  const joined = parts.map((part, i) => part + (i < values.length ? render(values[i]) : ""));
  return { html: joined.join("").trim() };
}
