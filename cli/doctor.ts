// `doctor`: what this machine can compute on, checked and not just listed, and for what it cannot the one
// command that enables it.
// The trap: a check takes seconds on a card and minutes on a software one; what passed is remembered.
import { availableParallelism } from "node:os";
import process from "node:process";
import { type Provider, providerKind, providerNames } from "../engine/device/providers.ts";
import { availableMemory } from "../engine/memory/available-memory.ts";
import { listCards } from "../engine/memory/cards.ts";
import { deviceMemory } from "../engine/memory/device-memory.ts";
import { chooseDevice, examine, findingText } from "../engine/setup/choose-device.ts";
import { installHint } from "../engine/setup/install-hints.ts";
import { listProviders } from "../engine/setup/installed-providers.ts";
import { type Machine, thisMachine } from "../engine/setup/machine.ts";
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
async function reportOn(
  provider: Provider,
  state: "absent" | "not installed" | "ready",
  machine: Machine,
  terminal: Terminal,
) {
  const name = provider.padEnd(8);
  const indent = " ".repeat(14);
  const { notAuto } = providerKind(provider);
  const refuse = (why: string, found?: string) => {
    terminal.print(`${name}  no    ${plainText(why)}`);
    const command = installHint(provider, found, machine);
    if (command !== undefined) terminal.print(`${indent}  enable: ${command}`);
  };
  if (state === "absent") {
    return refuse(`ONNX Runtime has it not for ${process.platform} ${process.arch}`);
  }
  if (state === "not installed") return refuse("its libraries are not installed");
  const finding = await examine(provider, { device: null, threads: null, compute: "float16" });
  if ("why" in finding) {
    const { why } = finding;
    const found = isFault(why) ? why.found : why.message;
    return refuse(found.split("\n")[0], found);
  }
  const memory = await deviceMemory(provider, finding.card);
  const free = provider === "cpu" || memory === undefined
    ? ""
    : `, ${gib(memory.bytes)} free (${memory.by})`;
  terminal.print(`${name}  yes   ${findingText(finding)}${free}`);
  if (notAuto !== undefined) terminal.print(`${indent}  not taken by auto: ${notAuto}`);
}

async function diagnose(terminal: Terminal): Promise<void> {
  const { print } = terminal;
  const machine = await thisMachine();
  const memory = await availableMemory();
  print(
    `${process.platform} ${process.arch}, ${runtimeName()}, ${availableParallelism()} threads, ` +
      `${gib(memory.bytes)} of memory free (${memory.by})`,
  );
  for (const { index, name, total, driver } of await listCards()) {
    const facts = [
      ...total === undefined ? [] : [gib(total)],
      ...driver === undefined ? [] : [`driver ${driver}`],
    ];
    print(plainText(`card ${index}: ${[name, ...facts].join(", ")}`));
  }
  print("");
  const listed = await listProviders();
  for (const provider of providerNames) {
    const found = listed.find((each) => each.provider === provider);
    const state = found === undefined ? "absent" : found.ready ? "ready" : "not installed";
    await reportOn(provider, state, machine, terminal);
  }
  print("");
  const wish = { provider: "auto", device: null, threads: null, compute: "float16" } as const;
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
      "it with reference values, times a training step of a small network, and looks where each " +
      "part of it ran. A provider that computes wrongly is not used. What passed is remembered " +
      "until ONNX Runtime, the machine, the card or its driver changes.",
      "For a provider that does not work it says what is missing (the driver, CUDA 13's libraries, " +
      "cuDNN, the Vulkan loader) and the command that installs it.",
    ],
  }],
  examples: ["doctor"],
  run: (_args, _options, terminal) => tryPromise(() => diagnose(terminal)),
};
