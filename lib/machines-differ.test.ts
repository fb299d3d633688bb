// How machines of attempts differ, in words: only what can show in bytes, and only what is known.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machinesDiffer, type MadeOn } from "./machines-differ.ts";
import { featuresIn, modelIn } from "./this-machine.ts";

const attempt = (
  machine: Partial<NonNullable<MadeOn["machine"]>> | undefined,
  versions: MadeOn["versions"] = {},
): MadeOn => ({
  versions: { gnomic: "1", runtime: "node 22", ...versions },
  ...(machine === undefined ? {} : {
    machine: { name: "oak", processor: "x64 Xeon", features: ["avx2"], device: "cpu", ...machine },
  }),
});

test("machines of one kind, another runtime and attempts of before are no difference", () => {
  assert.equal(machinesDiffer([]), null);
  assert.equal(machinesDiffer([attempt({}), attempt({ name: "elm" })]), null);
  assert.equal(machinesDiffer([attempt({}), attempt({}, { runtime: "deno 2" })]), null);
  assert.equal(machinesDiffer([attempt(undefined, { gnomic: "0" }), attempt({})]), null);
});

test("processor, features, device and packages are named with what each has", () => {
  const differ = (...attempts: MadeOn[]) =>
    /differ in (.*): its bytes may differ/.exec(machinesDiffer(attempts) ?? "")?.[1];
  assert.equal(
    differ(attempt({}), attempt({ processor: "arm64 M2", features: [] })),
    "processor (x64 Xeon avx2 / arm64 M2)",
  );
  assert.equal(
    differ(attempt({}), attempt({ features: ["avx2", "avx512f"] }), attempt({})),
    "processor (without / avx512f)",
  );
  assert.equal(
    differ(attempt({ device: "cuda" }), attempt({}, { gnomic: "2" })),
    "device (cuda / cpu), gnomic (1 / 2)",
  );
});

test("features are those that kernels choose by", () => {
  const x64 = "model name\t: Xeon\nflags\t\t: fpu sse2 avx512f avx2 fma amx_int8 aes smep\n";
  assert.deepEqual(featuresIn(x64), ["amx_int8", "avx2", "avx512f", "fma"]);
  assert.deepEqual(featuresIn("Features\t: fp asimd asimddp sha2 i8mm\n"), [
    ...["asimd", "asimddp", "i8mm"],
  ]);
  assert.deepEqual(featuresIn(""), []);
  assert.equal(modelIn(x64), "Xeon");
  assert.equal(modelIn("CPU implementer\t: 0x41\nCPU part\t: 0xd40\n"), "0xd40");
  assert.equal(modelIn(""), undefined);
});
