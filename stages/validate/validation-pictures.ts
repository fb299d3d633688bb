// The pictures of one validation, prompt by prompt, each said when it is on disk; of the last one also how well such
// prompts are followed, where that is asked for.
// The trap: pictures of one noise stand side by side, one for each rule of pooling.
import { join } from "node:path";
import { Effect } from "effect";
import { followedWord } from "../../config/validation.ts";
import type { Snapshot } from "../../inversion/artefacts/snapshots.ts";
import { jpeg } from "../../inversion/model/picture-file.ts";
import { poolingNames } from "../../inversion/model/pooling.ts";
import { snapshotRows } from "../../inversion/snapshot-rows.ts";
import { atomicWrite, makeFolder } from "../../lib/atomic-write.ts";
import { fault } from "../../lib/fault.ts";
import { tryPromise } from "../../lib/try-promise.ts";
import type { StageTools } from "../../runtime/stage.ts";
import { folderOf } from "./asked-prompts.ts";
import type { ValidateOptions } from "./options.ts";
import { followingPictures, measureFollowing } from "./prompt-following.ts";
import type { ValidationSampler } from "./validation-sampler.ts";

class LostRows extends fault("LostRows", "user") {}

const lostRows = (step: number) =>
  new LostRows({
    wanted: `the rows of step ${step}`,
    found: "no file of the run that has them",
    fix: "Its pictures are left out.",
  });

/** Makes them; the prompts that they are of, and how well such are followed, where that is asked for. */
export const validationPictures = (
  validationSampler: ValidationSampler,
  options: ValidateOptions,
  snapshot: Snapshot,
  tools: StageTools,
) =>
  Effect.gen(function* () {
    const { step, epoch } = snapshot;
    const folder = folderOf(snapshot);
    const asked = snapshot.validate?.prompts ?? null;
    const prompts = asked ?? options.validation_prompts;
    const { poolings } = validationSampler;
    const images = options.num_validation_images_per_prompt * poolings.length;
    const total = prompts.length * images;
    yield* tools.emit({ event: "validation-started", step, epoch, pictures: total });
    const rows = yield* snapshotRows(tools, snapshot.rows);
    if (rows === null) return yield* lostRows(step);
    for (const [prompt, text] of prompts.entries()) {
      const name = `${folder}/prompt_${String(prompt).padStart(4, "0")}`;
      yield* makeFolder(join(tools.runDir, name));
      for (let image = 0; image < images; image++) {
        const negative = asked === null
          ? options.negative_validation_prompts?.[prompt] ?? null
          : null;
        const pooling = poolings[image % poolings.length];
        const drawn = yield* validationSampler.draw({
          rows,
          of: snapshot.rows,
          text,
          negative,
          image: Math.floor(image / poolings.length),
          pooling,
        });
        const path = `${name}/${String(image).padStart(4, "0")}.jpg`;
        const bytes = yield* tryPromise(() => jpeg(drawn));
        yield* atomicWrite(join(tools.runDir, path), bytes, { what: "a validation picture" });
        const [, , height, width] = drawn.dims;
        yield* tools.emit({
          event: "validation-picture",
          step,
          epoch,
          prompt,
          image,
          text,
          path,
          width,
          height,
          ...(poolings.length > 1 ? { pooling } : {}),
        });
        yield* tools.progress(prompt * images + image + 1, total, "pictures");
      }
    }
    const word = followedWord(options);
    if (!options.prompt_following || !snapshot.last || word === null) return { prompts };
    let done = 0;
    const measured = { word, placeholder: options.placeholder_token, poolings: poolingNames };
    const following = yield* measureFollowing(measured, ({ text, image, pooling }) =>
      validationSampler.drawLatents({
        rows,
        of: snapshot.rows,
        text,
        negative: null,
        image,
        pooling,
      }).pipe(Effect.tap(() =>
        tools.progress(++done, followingPictures, "pictures")
      )));
    return { prompts, following };
  });
