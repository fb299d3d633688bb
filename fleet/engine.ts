// What the workflow and the workers run on. Embedded: one SQLite file, this process alone. In memory: for
// tests. The same code runs on each.
// The trap: everything here is marked unstable upstream; this file and the workflow are where it is named.
import { type Duration, Layer, Logger } from "effect";
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine";
import * as SingleRunner from "effect/cluster/SingleRunner";
import * as Digest from "effect/crypto/Digest";
import * as PersistedQueue from "effect/persistence/PersistedQueue";
import { sqliteLayer } from "./sqlite.ts";
import { sweepLayer } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";

/** How long a dead worker's item stays its own. */
export const embeddedLease: Duration.Input = "10 seconds";

const queueLayer = (lease: Duration.Input, renewal: Duration.Input) =>
  PersistedQueue.layer.pipe(
    Layer.provide(PersistedQueue.layerStoreSql({
      pollInterval: "200 millis",
      lockExpiration: lease,
      lockRefreshInterval: renewal,
    })),
  );

/** The tables alone: to look, or to say something to who runs the sweeps. */
export const tablesLayer = (file: string) => Tables.layer.pipe(Layer.provide(sqliteLayer(file)));

/** Workflow engine, queue and tables on one file. Hold its lock: two of these would do things twice. */
export const embeddedLayer = (file: string) =>
  sweepLayer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      queueLayer(embeddedLease, "3 seconds"),
      Tables.layer,
      ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(SingleRunner.layer({
        runnerStorage: "memory",
        shardingConfig: {
          shardsPerGroup: 16,
          entityMessagePollInterval: "500 millis",
          entityTerminationTimeout: "2 seconds",
          simulateRemoteSerialization: false,
        },
      }))),
    )),
    Layer.provide([sqliteLayer(file), Digest.layerWebCrypto]),
    Layer.provide(Logger.layer([])),
  );
export type Fleet = Layer.Success<ReturnType<typeof embeddedLayer>>;
