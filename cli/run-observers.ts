// Who looks at a run besides the terminal: event files for TensorBoard, the report, and with --monitor a
// page. They are extras: what cannot be loaded or written is said, and no reason not to train.
import { Effect, type Scope } from "effect";
import { tryPromise } from "../lib/try-promise.ts";
import type { RunObserver } from "../runtime/execute/observers.ts";

export const runObservers = (
  runDir: string,
  configuration: unknown,
  warn: (text: string) => void,
): Effect.Effect<readonly RunObserver[]> =>
  tryPromise(async () => {
    const [{ openTensorBoard }, { reportObserver }] = await Promise.all([
      import("../observe/tensorboard/tensorboard.ts"),
      import("../observe/report/report-observer.ts"),
    ]);
    return [await openTensorBoard({ runDir, configuration, warn }), reportObserver(runDir)];
  }).pipe(
    Effect.catch(({ message }) =>
      Effect.sync((): RunObserver[] => {
        warn(`No event files and no report: ${message}`);
        return [];
      })
    ),
  );

/**
 * Serves the page of a run until the scope closes. Its address holds the key to it, which is kept from what
 * may be a log that others read.
 */
export const servePage = (
  runDir: string,
  print: (line: string) => void,
  isLog: boolean,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    tryPromise(async () =>
      (await import("../observe/monitor/server/monitor.ts")).startMonitor(runDir)
    ),
    (monitor) => Effect.promise(() => monitor.close()),
  ).pipe(
    Effect.map(({ address }) =>
      print(
        isLog
          ? `The page is served at ${new URL(address).origin}; its key is not written to a log. ` +
            "`runs` and `monitor` show the run from a terminal."
          : `Open ${address}`,
      )
    ),
    Effect.catch(({ message }) => Effect.sync(() => print(`No page: ${message}`))),
  );
