// What is written to stderr reaches the request that it belongs to, in whatever pieces it comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endMark, Said } from "./said.ts";

test("text is told apart by request, before and after the reply, in pieces of any size", () => {
  const text = `first${endMark(0)}${endMark(1)}second\nthird${endMark(12)}rest`;
  for (const size of [1, 2, 3, 5, 100]) {
    const said = new Said();
    const heard: string[] = [];
    const take = (name: string) => (words: string) => void heard.push(`${name}:${words}`);
    said.during(0, take("0"));
    for (let at = 0; at < text.length; at += size) said.add(text.slice(at, at + size));
    said.during(12, take("12"));
    said.during(1, take("1"));
    assert.deepEqual(heard, ["0:first", "12:second\nthird", "1:"]);
    assert.match(said.last, /third.*rest$/s);
  }
});
