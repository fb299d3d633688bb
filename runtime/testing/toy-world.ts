// An app for toy pipelines: a configuration that is any object, no devices, and everybody who looks
// writes down what they saw.
import { join } from "node:path";
import { Effect } from "effect";
import type { Fault } from "../../lib/fault.ts";
import { Files } from "../../lib/files.ts";
import { trainingEvents } from "../../inversion/event-kinds.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { type App, noFacts } from "../app.ts";
import type { RunOutcome } from "../execute/outcome.ts";
import { runPipeline } from "../execute/run-pipeline.ts";
import { makeStopSignal, type StopSignal } from "../execute/stop-signal.ts";
import { withoutKeys } from "../../lib/without-keys.ts";
import type { Composition } from "../pipeline/compose.ts";
import type { Configuration, JsonObject } from "../options/configuration.ts";
import { planRun } from "../plan/make-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { type Command, prepare } from "../plan/prepare.ts";
import { withoutSync } from "./without-sync.ts";

/** Keys that do not name a run, as `validate_every_n_steps` of the real configuration. */
const neutral = ["log_every", "steps"];

const toyApp = ({ folder, values = {}, configuration, app }: Toy): App => ({
  name: "toy",
  stages: {},
  toolkit: () => Promise.resolve({}),
  configurationType: null,
  events: trainingEvents,
  requests: null,
  answer: () => Effect.succeed(undefined),
  facts: () => Effect.succeed(noFacts),
  isResult: (name) => name.endsWith(".txt"),
  readConfiguration: () =>
    Effect.succeed({
      values,
      targetKeys: [],
      places: {},
      unhashed: ["where"],
      identity: withoutKeys(values, [...neutral, "where"]),
      notes: [],
      base: join(folder, "output"),
      trigger: "toy",
      seed: typeof values.seed === "number" ? values.seed : null,
      steps: null,
      lengthKeys: ["max_train_steps", "max_train_epochs"],
      lengthMatters: null,
      ...configuration,
    }),
  ...app,
});

export interface Toy {
  readonly folder: string;
  readonly pipeline: Composition<any> | string;
  readonly values?: JsonObject;
  readonly configuration?: Partial<Configuration>;
  readonly app?: Partial<App>;
  readonly selectors?: Command["selectors"];
  readonly choice?: Command["choice"];
  readonly stop?: StopSignal;
  readonly onEvent?: (event: RunEvent, stop: StopSignal) => void;
  /** Those who look get ready. */
  readonly onOpen?: (runDir: string) => Effect.Effect<void, Fault>;
  /** Everything has been seen. */
  readonly onClose?: () => void;
}

const commandOf = (toy: Toy, offline: boolean): Command => ({
  pipeline: toy.pipeline,
  app: toyApp(toy),
  onProgress: () => {},
  layers: {},
  selectors: toy.selectors ?? {},
  choice: toy.choice ?? {},
  offline,
});

export interface ToyRun {
  readonly ending: RunOutcome;
  readonly events: readonly RunEvent[];
  readonly plan: Plan;
}

export const toyEffect = (toy: Toy): Effect.Effect<ToyRun, Fault> =>
  Effect.suspend(() => {
    const events: RunEvent[] = [];
    const stop = toy.stop ?? makeStopSignal();
    let plan: Plan | undefined;
    return runPipeline(
      commandOf(toy, false),
      {
        stop,
        observers: (runDir) =>
          Effect.as(Effect.orDie(toy.onOpen?.(runDir!) ?? Effect.void), [{
            name: "test",
            onEvent: (any) => {
              const event = any as RunEvent;
              events.push(event);
              toy.onEvent?.(event, stop);
            },
            close: () => toy.onClose?.(),
          }]),
        onPlan: (made) => plan = made,
      },
    ).pipe(
      Effect.map((ending) => ({ ending, events, plan: plan! })),
      Effect.provideServiceEffect(Files, Effect.map(Files, withoutSync)),
    );
  });

/** Runs a toy pipeline to its end. */
export const runToy = (toy: Toy): Promise<ToyRun> => Effect.runPromise(toyEffect(toy));

/** What runs of it before anything does would be told. */
export const refuseToy = (toy: Toy): Promise<Fault> =>
  Effect.runPromise(Effect.flip(toyEffect(toy)));

/** Its plan, as a dry run makes it. */
export const planToy = (toy: Toy): Promise<Plan> =>
  Effect.runPromise(Effect.flatMap(
    prepare(commandOf(toy, true)),
    planRun,
  ));

/** Stage ids by what the plan says of them, and its reasons as texts. */
export const reasonsOf = (plan: Plan): Readonly<Record<string, string>> =>
  Object.fromEntries(
    plan.stages.map(({ id, action, reasons }) => [
      id,
      action === "run" ? reasons.map(({ reason }) => reason).join(" ") : action,
    ]),
  );

export const eventsOf = <Tag extends RunEvent["event"]>(
  { events }: Pick<ToyRun, "events">,
  tag: Tag,
): readonly Extract<RunEvent, { event: Tag }>[] =>
  events.filter((event): event is Extract<RunEvent, { event: Tag }> => event.event === tag);
