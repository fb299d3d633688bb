// ONNX Runtime in a process of its own, so that a driver that aborts or hangs ends that process and not
// the training. The trap: a broken pipe may be noticed before the exit that broke it, and the exit before
// the last words on stderr; so both wait a moment for what says more.
import { fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Reply } from "./messages.ts";
import type { Listener, Transport } from "./transport.ts";

/** How much of what the process said last is worth repeating. */
const tailLength = 600;

export function processTransport({ onReply, onEnd }: Listener): Transport {
  const child = fork(new URL("./child.ts", import.meta.url), [], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: "1" },
    execArgv: [],
  });
  let said = "";
  child.stderr!.on("data", (bytes) => said = (said + bytes).slice(-tailLength));
  child.on("message", (reply) => onReply(reply as Reply));
  child.on("error", async (error) => {
    await delay(500);
    onEnd(error.message);
  });
  child.on("exit", async (code, signal) => {
    await delay(50);
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const last = said.trim() === "" ? "" : `, saying: ${said.trim()}`;
    onEnd(`its process ${how}${last}`);
  });
  const hold = (alive: boolean) => {
    for (const handle of [child, child.channel, child.stderr as { ref?(): void; unref?(): void }]) {
      if (alive) handle?.ref?.();
      else handle?.unref?.();
    }
  };
  hold(false);
  return {
    processId: child.pid ?? process.pid,
    send: (request) => void child.send(request),
    hold,
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        hold(true);
        child.on("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}
