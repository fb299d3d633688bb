// What the workflow and the workers run on. Embedded: one SQLite file, this process alone. Shared: a
// PostgreSQL, any number of processes. The same code runs on both.
// The trap: everything here is marked unstable upstream; this file and the workflow are where it is named.
import { hostname } from "node:os";
import process from "node:process";
import { Duration, Layer, Logger, Option } from "effect";
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine";
import * as RunnerAddress from "effect/cluster/RunnerAddress";
import * as RunnerHealth from "effect/cluster/RunnerHealth";
import * as Runners from "effect/cluster/Runners";
import * as Sharding from "effect/cluster/Sharding";
import * as ShardingConfig from "effect/cluster/ShardingConfig";
import * as SingleRunner from "effect/cluster/SingleRunner";
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage";
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage";
import * as Digest from "effect/crypto/Digest";
import * as PersistedQueue from "effect/persistence/PersistedQueue";
import type * as SqlClient from "effect/sql/SqlClient";
import { embeddedLease } from "./leases.ts";
import { Members } from "./members.ts";
import { tablesFor } from "./migrations.ts";
import { sqliteLayer } from "./sqlite.ts";
import { sweepLayer } from "./sweep-workflow.ts";
import { Tables } from "./tables.ts";

const queueLayer = (lease: Duration.Input, renewal: Duration.Input) =>
  PersistedQueue.layer.pipe(
    Layer.provide(PersistedQueue.layerStoreSql({
      pollInterval: "200 millis",
      lockExpiration: lease,
      lockRefreshInterval: renewal,
    })),
  );

type Database<E> = Layer.Layer<SqlClient.SqlClient, E>;

const shardsPerGroup = 16;

/** Workflow engine, queue and tables on one file. Hold its lock: two of these would do things twice. */
export const embeddedLayer = (file: string) =>
  sweepLayer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      queueLayer(embeddedLease, "3 seconds"),
      Tables.layer,
      Members.layer,
      ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(SingleRunner.layer({
        runnerStorage: "memory",
        shardingConfig: {
          shardsPerGroup,
          entityMessagePollInterval: "500 millis",
          entityTerminationTimeout: "2 seconds",
          simulateRemoteSerialization: false,
        },
      }))),
    )),
    Layer.provide(tablesFor(false)),
    Layer.provide([sqliteLayer(file), Digest.layerWebCrypto]),
    Layer.provide(Logger.layer([])),
  );

/**
 * The same for several processes on a shared database. Each takes its part of the sweeps' decisions, and
 * those of one that died go to the others after a lease. No process listens anywhere.
 */
export const sharedLayer = <E>(database: Database<E>, lease: Duration.Duration) => {
  const third = Duration.millis(Duration.toMillis(lease) / 3);
  const cluster = Sharding.layer.pipe(
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(SqlMessageStorage.layerStorage({})),
    Layer.provide([SqlRunnerStorage.layerStorage({}), RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer({
      // A name and no address, since nobody calls: unique for each process.
      runnerAddress: Option.some(RunnerAddress.make(hostname(), process.pid)),
      shardsPerGroup,
      // Asked by each process of a fleet, also while nothing is decided.
      entityMessagePollInterval: "1 second",
      entityTerminationTimeout: "2 seconds",
      shardLockExpiration: lease,
      shardLockRefreshInterval: third,
      refreshAssignmentsInterval: Duration.min(third, Duration.seconds(3)),
      simulateRemoteSerialization: false,
    })),
  );
  return sweepLayer.pipe(
    Layer.provideMerge(Layer.mergeAll(
      queueLayer(lease, third),
      Tables.layer,
      Members.layer,
      ClusterWorkflowEngine.layer.pipe(Layer.provideMerge(cluster)),
    )),
    Layer.provide(tablesFor(true)),
    Layer.provide([database, Digest.layerWebCrypto]),
    Layer.provide(Logger.layer([])),
  );
};
