// A line between browser and server that a test can break: a TCP relay on 127.0.0.1 to a server on another
// address of the same machine, at the same port, so that the server still recognises its own name.
import { connect, createServer, type Socket } from "node:net";

export interface BreakableLine {
  /** Drops all connections; new ones are dropped too until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function breakableLine(host: string, port: number): Promise<BreakableLine> {
  const sockets = new Set<Socket>();
  let broken = false;
  const drop = () => sockets.forEach((socket) => socket.destroy());
  const relay = createServer((near) => {
    if (broken) return void near.destroy();
    const far = connect(port, host);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((done) => relay.listen(port, "127.0.0.1", done));
  return {
    cut() {
      broken = true;
      drop();
    },
    mend: () => void (broken = false),
    close: () =>
      new Promise((done) => {
        drop();
        relay.close(() => done());
      }),
  };
}
