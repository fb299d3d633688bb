import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "effect";
import { asFault } from "./as-fault.ts";
import { fileFault } from "./file-fault.ts";
import { allFaults, fault, Faults } from "./fault.ts";

class Mistake extends fault("Mistake", "user") {}
class Outage extends fault("Outage", "world") {}
const text = { wanted: "a", found: "b", fix: "c" };

test("what the system says of an open file, without its path, is the disk's; of a connection it is not", () => {
  const said = (code: string) =>
    asFault(
      Object.assign(new Error(`${code}: some words, read`), { code, errno: -5, syscall: "read" }),
    );
  for (const code of ["EIO", "ENOSPC", "ESTALE"]) {
    assert.deepEqual([said(code).kind, said(code).file], ["world", undefined], code);
  }
  assert.match(said("EIO").message, /found EIO: some words, read/);
  assert.equal(said("ECONNRESET").kind, "defect");
  const named = PlatformError.systemError({
    ...{ _tag: "Unknown", module: "FileSystem", method: "readFile", pathOrDescriptor: "/a/b" },
    cause: Object.assign(new Error("EIO: some words, read"), { code: "EIO" }),
  });
  assert.deepEqual([asFault(named).kind, asFault(named).file], ["world", "/a/b"]);
});

test("who has no right to a file is to change that, and tries what a full disk kept again", () => {
  const said = (code: string) => {
    const { kind, message } = asFault(
      fileFault("/a", Object.assign(new Error(`${code}: x`), { code })),
    );
    return [kind, message.includes("--output")];
  };
  for (const code of ["EACCES", "EPERM", "EROFS"]) assert.deepEqual(said(code), ["user", true]);
  assert.deepEqual(said("ENOSPC"), ["world", false]);
});

test("several faults are told once each, and the most serious gives the kind", () => {
  const one = allFaults([new Outage(text), new Faults([new Outage(text), new Outage(text)])]);
  assert.equal(one._tag, "Outage");
  const two = allFaults([
    new Mistake(text),
    new Outage({ ...text, found: "d" }),
    new Mistake(text),
  ]);
  assert.equal(two.kind, "world");
  assert.match(two.message, /^2 problems:(\n {2}.*){2}$/);
});

test("a fault that is several is counted as what it holds, not as one", () => {
  class Findings extends fault("Findings", "user") {
    readonly faults = ["e", "f"].map((found) => new Mistake({ ...text, found }));
  }
  const { message } = allFaults([new Outage(text), new Findings(text)]);
  assert.match(message, /^3 problems:(\n {2}wanted a, found [bef]\. c){3}$/);
});

test("a place says an option that is called as its key once", () => {
  const { message } = new Mistake({ ...text, file: "--seed", key: "seed" });
  assert.equal(message, "--seed: wanted a, found b. c");
  const other = new Mistake({ ...text, file: "--output", key: "base_output_dir" });
  assert.equal(other.message, "--output base_output_dir: wanted a, found b. c");
});
