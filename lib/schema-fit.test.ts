import assert from "node:assert/strict";
import { test } from "node:test";
import { Schema } from "effect";
import { schemaMisfit } from "./schema-fit.ts";

const { Array: List, Finite, Int, NullOr, optionalKey, String: Text, Struct } = Schema;

const caption = (text: Schema.Codec<any, any>) =>
  Struct({ items: List(Struct({ id: Text, text })) });

test("equal shapes declared in two files fit", () => {
  assert.equal(schemaMisfit(caption(NullOr(Text)), caption(NullOr(Text))), undefined);
});

test("what is written may say more and be narrower", () => {
  assert.equal(schemaMisfit(Struct({ a: Int, b: Text }), Struct({ a: Finite })), undefined);
  assert.equal(schemaMisfit(caption(Text), caption(NullOr(Text))), undefined);
  assert.equal(schemaMisfit(Struct({ a: Text }), Struct({ a: optionalKey(Text) })), undefined);
  assert.equal(
    schemaMisfit(Schema.Literals(["x"]), Schema.Literals(["x", "y"])),
    undefined,
  );
  assert.equal(schemaMisfit(Struct({ a: Text }), Schema.Struct({ a: Schema.Unknown })), undefined);
});

const misfits: readonly (readonly [Schema.Codec<any, any>, Schema.Codec<any, any>, RegExp])[] = [
  [caption(NullOr(Text)), caption(Text), /^items\[\]\.text: string or null, string$/],
  [caption(Finite), caption(Text), /^items\[\]\.text: number.*, string$/],
  [Struct({ a: Finite }), Struct({ a: Int }), /^a: number.*, integer$/],
  [Struct({ z: Text }), Struct({ a: Struct({ b: Text }) }), /^a: nothing, object$/],
  [Struct({ a: optionalKey(Text) }), Struct({ a: Text }), /^a: string, or nothing, string$/],
  [Schema.Tuple([Int, Int]), Schema.Tuple([Int, Int, Int]), /^: a list of 2, a list of 3$/],
  [List(Int), Schema.Tuple([Int]), /^: a list, a list of 1$/],
  [Schema.Literals(["x", "z"]), Schema.Literals(["x", "y"]), /^: "x" or "z", "x" or "y"$/],
  [Text, Struct({ a: Text }), /^: string, object$/],
  [
    Schema.Record(Text, Struct({ a: Int })),
    Schema.Record(Text, Struct({ a: Text })),
    /^\*\.a: integer, string$/,
  ],
];

for (const [written, read, wanted] of misfits) {
  test(`names the field: ${wanted.source}`, () => {
    const found = schemaMisfit(written, read);
    assert.match(`${found?.field}: ${found?.written}, ${found?.read}`, wanted);
  });
}

test("alternatives by tag: the one that does not fit is named by its field", () => {
  const one = Struct({ type: Schema.Literal("a"), x: Text });
  const other = Struct({ type: Schema.Literal("b"), y: Text });
  assert.equal(schemaMisfit(one, Schema.Union([one, other])), undefined);
  const changed = Struct({ type: Schema.Literal("b"), y: Finite });
  assert.equal(schemaMisfit(changed, Schema.Union([one, other]))?.field, "y");
});
