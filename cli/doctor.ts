// `doctor`: what this machine can compute on, checked and not just listed, and for what it cannot the one
// command that enables it.
// The trap: a check takes seconds on a card and minutes on a software one; what passed is remembered.
import { availableParallelism } from "node:os";
import process from "node:process";
import type { Provider } from "../engine/device/messages.ts";
import { availableMemory } from "../engine/memory/available-memory.ts";
import { deviceMemory } from "../engine/memory/device-memory.ts";
import { chooseDevice, examine } from "../engine/setup/choose-device.ts";
import { installHint, type Machine, thisMachine } from "../engine/setup/install-hints.ts";
import { listProviders } from "../engine/setup/providers.ts";
import { isFault } from "../lib/fault.ts";
import { tryPromise } from "../lib/try-promise.ts";
import type { Command, Terminal } from "./command.ts";
import { plainText } from "./plain-text.ts";

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

const runtimeName = () =>
  process.versions.deno === undefined
    ? `Node ${process.versions.node}`
    : `Deno ${process.versions.deno}`;

/** One provider: whether it works, how fast and how exactly, or why not and what would help. */
async function reportOn(provider: Provider, ready: boolean, machine: Machine, terminal: Terminal) {
  const name = provider.padEnd(8);
  const indent = " ".repeat(10);
  const refuse = (why: string, found?: string) => {
    terminal.print(`${name}  no    ${plainText(why)}`);
    const command = installHint(provider, found, machine);
    if (command !== undefined) terminal.print(`${indent}      enable: ${command}`);
  };
  if (!ready) return refuse("its libraries are not installed");
  const finding = await examine(provider, { threads: null, compute: "float16" });
  if ("why" in finding) {
    const { why } = finding;
    const found = isFault(why) ? why.found : why.message;
    return refuse(found.split("\n")[0], found);
  }
  const { compute, checkResult: { rate, error } } = finding;
  const memory = await deviceMemory(provider);
  const free = provider === "cpu" || memory === undefined
    ? ""
    : `, ${gib(memory.bytes)} free (${memory.by})`;
  terminal.print(
    `${name}  yes   ${compute}, ${(rate / 1e9).toFixed(0)} GFLOP/s, ` +
      `within ${error.toExponential(0)} of the reference${free}`,
  );
}

async function diagnose(terminal: Terminal): Promise<void> {
  const { print } = terminal;
  const machine = await thisMachine();
  const memory = await availableMemory();
  print(
    `${process.platform} ${process.arch}, ${runtimeName()}, ${availableParallelism()} threads, ` +
      `${gib(memory.bytes)} of memory free (${memory.by})`,
  );
  print("");
  for (const { provider, ready } of await listProviders()) {
    await reportOn(provider, ready, machine, terminal);
  }
  print("");
  const wish = { provider: "auto", threads: null, compute: "float16" } as const;
  print((await chooseDevice(wish)).note);
}

export const doctorCommand: Command = {
  usage: "doctor",
  summary: "Say what this machine can compute on, and how to enable the rest",
  options: [],
  sections: [{
    title: "DESCRIPTION",
    paragraphs: [
      "Computes a small model on every provider that ONNX Runtime has for this platform, compares " +
      "it with reference values, and times matrix products. A provider that computes wrongly is " +
      "not used. What passed is remembered until ONNX Runtime or the machine changes.",
    ],
  }],
  examples: ["doctor"],
  run: (_args, _options, terminal) => tryPromise(() => diagnose(terminal)),
};
