// Which versions of stages, and of what they keep on disk, a training was planned with or a machine has: a
// run goes on only where they are the same.
// The trap: a stage from a file of one's own has a name that may be anybody's; `custom` marks it.
import type { App } from "../runtime/app.ts";
import { manifestFormat } from "../runtime/run-folder/manifest.ts";
import type { Plan } from "../runtime/plan/plan.ts";

export type Versions = Readonly<Record<string, number>>;

const runFormat = "run folder";

/** Those of a training. */
export const versionsOfPlan = ({ stages }: Pick<Plan, "stages">): Versions => ({
  [runFormat]: manifestFormat,
  ...Object.fromEntries(stages.map(({ name, version }) => [name, version])),
});

/** Those that an app brings. */
export async function versionsOfApp({ stages }: Pick<App, "stages">): Promise<Versions> {
  const found = await Promise.all(
    Object.values(stages).map(async (load) => {
      const module = await load() as { default?: unknown; stage?: unknown };
      const { name, version } = (module.default ?? module.stage) as {
        readonly name: string;
        readonly version: number;
      };
      return [name, version] as const;
    }),
  );
  return { [runFormat]: manifestFormat, ...Object.fromEntries(found) };
}

/** What a machine with `has` lacks for `wants`, as "name version"; none: it can go on with it. */
export const lacking = (wants: Versions, has: Versions): readonly string[] =>
  Object.entries(wants).filter(([name, version]) => has[name] !== version)
    .map(([name, version]) => `${name} ${version}`);
