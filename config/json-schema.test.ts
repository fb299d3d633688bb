// The written schemas are up to date, and a small validator of our own (not the decoder) accepts the
// reference's files by them and refuses what an editor should underline.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isMapping } from "../lib/mapping.ts";
import { parseSource } from "../lib/source.ts";
import { schemaFiles } from "./json-schema.ts";
import { least, reference } from "./testing/read.ts";

const written = (name: string) => readFileSync(new URL(`schema/${name}`, import.meta.url), "utf8");

for (const [name, text] of Object.entries(schemaFiles())) {
  test(`config/schema/${name} is what write-schemas.ts writes`, () => {
    assert.equal(written(name), text, "run: node config/write-schemas.ts");
  });
}

type Node = Record<string, any>;

const typeOf = (value: unknown) =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

/** The keywords of draft 7 that the schemas use; an unknown keyword is an error. */
function valid(node: Node, value: unknown): boolean {
  return Object.entries(node).every(([keyword, rule]) => {
    switch (keyword) {
      case "type":
        return rule === typeOf(value) || (rule === "integer" && Number.isInteger(value));
      case "enum":
        return rule.includes(value);
      case "anyOf":
        return rule.some((member: Node) => valid(member, value));
      case "minimum":
        return !(value as number < rule);
      case "exclusiveMinimum":
        return !(value as number <= rule);
      case "maximum":
        return !(value as number > rule);
      case "exclusiveMaximum":
        return !(value as number >= rule);
      case "multipleOf":
        return typeof value !== "number" || value % rule === 0;
      case "minLength":
        return (value as string).length >= rule;
      case "pattern":
        return new RegExp(rule).test(value as string);
      case "minItems":
        return (value as unknown[]).length >= rule;
      case "maxItems":
        return (value as unknown[]).length <= rule;
      case "items":
        return !Array.isArray(value) ||
          value.every((item, i) => valid(Array.isArray(rule) ? rule[i] ?? {} : rule, item));
      case "required":
        return isMapping(value) && rule.every((key: string) => Object.hasOwn(value, key));
      case "properties":
        return !isMapping(value) ||
          Object.entries(value).every(([key, item]) => !rule[key] || valid(rule[key], item));
      case "additionalProperties":
        return !isMapping(value) ||
          Object.entries(value).every(([key, item]) =>
            Object.hasOwn(node.properties ?? {}, key) ||
            Object.keys(node.patternProperties ?? {}).some((each) => new RegExp(each).test(key)) ||
            (rule === true || (rule !== false && valid(rule, item)))
          );
      case "if":
        return !valid(rule, value) || valid(node.then, value);
      case "patternProperties":
      case "then":
      case "$schema":
      case "title":
      case "description":
      case "default":
      case "additionalItems":
      case "x-unit":
      case "x-keeps-run":
      case "x-unhashed":
      case "x-place":
      case "x-retired":
      case "x-late":
        return true;
      default:
        throw new Error(`this validator does not know ${keyword}`);
    }
  });
}

const training: Node = JSON.parse(written("training.json"));
const pipeline: Node = JSON.parse(written("pipeline.json"));
const yaml = (text: string) => parseSource(text, "f").value;

test("the reference's files and the sample pipeline fit", () => {
  const names = ["gnome_1x24gb", "masks_gnome_1x24gb"];
  for (const name of names) {
    const text = readFileSync(reference(`sdxl_textual_inversion_${name}.yaml`), "utf8");
    assert.ok(valid(training, yaml(text)), name);
  }
  assert.ok(valid(training, yaml(least)));
  assert.ok(valid(training, yaml("num_vectors: 8\ndata_loader: {resolution: 768}\n")), "a part");
  assert.ok(
    valid(pipeline, yaml("pipeline: x\nconfig: {data_loader: {resolution: 8}}\nstages: {}")),
  );
  assert.ok(valid(pipeline, yaml(readFileSync("pipelines/sdxl-ti.yaml", "utf8"))));
});

test("what an editor should underline does not", () => {
  const slips = [
    "placeholder: x\n",
    "num_vectors: 76\n",
    "lr_scheduler: cosin\n",
    "optimizer: {optimizer_type: AdamW, use_bias_correction: true}\n",
    "seed: one\n",
  ];
  assert.ok(!valid(training, yaml("type: SDXL_TEXTUAL_INVERSION\nplaceholder_token: x\n")));
  assert.ok(!valid(training, yaml(least.replace(/ {2}dataset.*\n/, ""))));
  for (const slip of slips) assert.ok(!valid(training, yaml(least + slip)), slip);
  assert.ok(
    !valid(training, yaml(least.replace("resolution", "resolutoin").replace("pictures", "[]"))),
  );
  assert.ok(!valid(pipeline, yaml("pipeline: x\nstages: {a: {uses: b}}\n")));
  assert.ok(!valid(pipeline, yaml("pipeline: x\nconfig: {sed: 1}\nstages: {}\n")));
});

test("every option carries its doc line into the editor", () => {
  const walk = (node: Node, path: string): void => {
    for (const [key, child] of Object.entries<Node>(node.properties ?? {})) {
      assert.equal(typeof child.description, "string", `${path}.${key}`);
      for (const member of child.anyOf ?? [child]) walk(member, `${path}.${key}`);
    }
  };
  walk(training, "");
});
