// The file system as a service with a default: everything that must survive a crash goes through it,
// so that a test can put a recording or a full disk in its place with `Effect.provideService(Files, ...)`.
// The trap: Effect's own `FileSystem` key needs a layer; this one does not, so stages stay free of it.
import { Context, Effect, FileSystem, Layer } from "effect";
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem";

export const Files = Context.Reference<FileSystem.FileSystem>("gnomic/Files", {
  defaultValue: () =>
    Effect.runSync(Effect.scoped(
      Effect.map(Layer.build(NodeFileSystem.layer), Context.get(FileSystem.FileSystem)),
    )),
});
