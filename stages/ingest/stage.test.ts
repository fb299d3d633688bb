import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import sharp from "sharp";
import { FileMissing } from "../../lib/digest-cache.ts";
import { Examples, toPlanar } from "../../inversion/artefacts/examples.ts";
import {
  type MemoryTools,
  memoryTools,
  offlineInputs,
} from "../../runtime/testing/memory-tools.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import { ingest, IngestOptions } from "./stage.ts";

const sample = (path: string) =>
  fileURLToPath(new URL(`../../sample_data/${path}`, import.meta.url));

const optionsFor = (loader: object, more: object = {}): IngestOptions =>
  Schema.decodeUnknownSync(IngestOptions)({ seed: 1, ...more, data_loader: loader });

const folderOptions = (dataset_dir: string, loader: object = {}, more: object = {}) =>
  optionsFor({
    dataset: { type: "IMAGE_DIR_DATASET", dataset_dir },
    resolution: 64,
    ...loader,
  }, more);

/** Runs the stage; the result must survive being written down. */
async function run(options: IngestOptions, tools: MemoryTools = memoryTools()): Promise<Examples> {
  const { examples } = await Effect.runPromise(
    ingest.run({ options, inputs: {}, writers: {}, tools }),
  );
  assert.deepEqual(
    Schema.decodeUnknownSync(Examples)(JSON.parse(JSON.stringify(examples))),
    examples,
  );
  return examples;
}

const failure = (options: IngestOptions, tools: MemoryTools = memoryTools()) =>
  Effect.runPromise(Effect.flip(ingest.run({ options, inputs: {}, writers: {}, tools })));

const noise = (width: number, height: number, seed: number) =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + seed * 131) % 251),
    { raw: { width, height, channels: 3 } },
  );

/** A folder of small pictures. */
const withPictures = <A>(count: number, body: (folder: string) => Promise<A>): Promise<A> =>
  withTemporaryFolder(async (folder) => {
    for (let i = 1; i <= count; i++) {
      await noise(96, 80, i).png().toFile(join(folder, `${i}.png`));
    }
    return await body(folder);
  });

test("the sample gnome: sizes, time ids, and the picture that EXIF turns", async () => {
  const tools = memoryTools();
  const dataset = {
    type: "IMAGE_CAPTION_JSONL_DATASET",
    jsonl_path: sample("tiny-bruce/train/data.jsonl"),
  };
  const { train } = await run(optionsFor({ dataset, resolution: 128 }), tools);
  assert.deepEqual(train.map(({ id }) => id), ["001.jpg", "002.jpg", "003.jpg", "004.jpg"]);
  assert.equal(train[1].caption, "a close-up photo of a gnome in a room");
  for (const { original_size, views } of train) {
    assert.deepEqual(original_size, [512, 512]);
    const [{ pixels, ...view }, ...others] = views;
    assert.deepEqual(others, []);
    assert.deepEqual(view, {
      size: [128, 128],
      original_size: [512, 512],
      crop_top_left: [0, 0],
      target_size: [128, 128],
      crop: 0,
      flipped: false,
      mask: null,
    });
    assert.equal(pixels.bytes, 128 * 128 * 3);
  }
  // What Pillow 13 makes of it: Image.open("001.jpg").resize((128, 128), BILINEAR).
  assert.equal(
    train[0].views[0].pixels.digest,
    "957ae1a374ddca7b6adb294548dc37d5bb3e11c2f0376fb35b9ef5947b30479f",
  );
  // 002.jpg says "turn me by a quarter to the right" (orientation 6): its top row is the stored left
  // column, read upwards.
  const stored = await sharp(sample("tiny-bruce/train/002.jpg")).resize(128, 128).raw().toBuffer();
  const upright = tools.blobs.get(train[1].views[0].pixels.digest)!;
  let difference = 0;
  for (let y = 0; y < 128; y++) {
    for (let x = 0; x < 128; x++) {
      difference += Math.abs(upright[3 * (y * 128 + x)] - stored[3 * ((127 - x) * 128 + y)]);
    }
  }
  assert.ok(difference / 128 / 128 < 6, `${difference / 128 / 128}`);
});

test("real photos with masks; both are cut alike", async () => {
  const tools = memoryTools();
  const dataset = {
    type: "IMAGE_CAPTION_JSONL_DATASET",
    jsonl_path: sample("bruce_the_gnome/data_masks.jsonl"),
  };
  const options = optionsFor({ dataset, resolution: [128, 96] }, { use_masks: true });
  const { train } = await run(options, tools);
  assert.deepEqual(train.map(({ id }) => id), ["001.jpg", "002.jpg", "004.jpg", "003.jpg"]);
  const [{ original_size, views: [view] }] = train;
  assert.deepEqual(original_size, [4032, 3024]);
  const mask = tools.blobs.get(view.mask!.digest)!;
  assert.equal(mask.length, 128 * 96);
  const mean = mask.reduce((sum, value) => sum + value, 0) / mask.length;
  assert.ok(Math.abs(mean - 31.7) < 0.5, `${mean}`); // the whole picture has its shape, so all is in
  const pixels = toPlanar(tools.blobs.get(view.pixels.digest)!);
  assert.equal(pixels.length, 3 * 128 * 96);
  assert.ok(pixels.every((value) => value >= -1 && value <= 1));
});

test("held-out pictures get one centred view, whatever the training pictures get", async () => {
  const { train, heldOut } = await run(optionsFor({
    dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: sample("tiny-bruce/train") },
    resolution: [64, 128],
    random_flip: true,
    center_crop: false,
    crops_per_image: 2,
  }, {
    fixed_loss_dataset: {
      type: "IMAGE_CAPTION_JSONL_DATASET",
      jsonl_path: sample("tiny-bruce/held_out/data.jsonl"),
    },
  }));
  assert.equal(train.length, 4);
  assert.deepEqual(
    train[0].views.map(({ crop, flipped }) => [crop, flipped]),
    [[0, false], [0, true], [1, false], [1, true]],
  );
  assert.equal(heldOut.length, 6);
  assert.ok(heldOut.every(({ views, caption }) => views.length === 1 && caption !== null));
  assert.deepEqual(heldOut[0].views[0].crop_top_left, [32, 0]);
});

test("what is unchanged is not made again", () =>
  withPictures(2, async (folder) => {
    const tools = memoryTools();
    const madeBy = async (loader: object) => {
      const before = tools.made.length;
      await run(folderOptions(folder, loader), tools);
      return tools.made.length - before;
    };
    assert.equal(await madeBy({}), 2);
    assert.equal(await madeBy({}), 0);
    assert.equal(await madeBy({ random_flip: true }), 2);
    assert.equal(await madeBy({ resolution: [64, 48] }), 2);
    // Room for 70 crops, of which no two drawn here are the same.
    const crops = { center_crop: false, resolution: [64, 8] };
    assert.equal(await madeBy({ ...crops, crops_per_image: 3 }), 6);
    assert.equal(await madeBy({ ...crops, crops_per_image: 4 }), 2);
    await noise(96, 80, 9).png().toFile(join(folder, "3.png"));
    assert.equal(await madeBy({ ...crops, crops_per_image: 4 }), 4);
  }));

test("a broken picture is named; skip_bad_images goes on without it", () =>
  withPictures(2, async (folder) => {
    const whole = readFileSync(join(folder, "1.png"));
    writeFileSync(join(folder, "3.png"), whole.subarray(0, whole.length / 2));
    writeFileSync(join(folder, "4.jpg"), "");
    const fault = await failure(folderOptions(folder));
    assert.match(fault.message, /3\.png.*damaged/);
    assert.match(fault.message, /4\.jpg.*an empty file/);
    const tools = memoryTools();
    const { train } = await run(folderOptions(folder, { skip_bad_images: true }), tools);
    assert.deepEqual(train.map(({ id }) => id), ["1.png", "2.png"]);
    assert.equal(tools.warnings().filter((text) => /[34]\..* is skipped/.test(text)).length, 2);
    const more = async (...names: string[]) => {
      for (const name of names) writeFileSync(join(folder, name), "");
      const tools = memoryTools();
      await run(folderOptions(folder, { skip_bad_images: true }), tools);
      return tools.warnings().filter((text) => / more /.test(text));
    };
    assert.deepEqual(await more("5.jpg", "6.jpg", "7.jpg", "8.jpg"), [
      "1 more picture is skipped: 8.jpg.",
    ]);
    assert.deepEqual(await more("9.jpg"), ["2 more pictures are skipped: 8.jpg, 9.jpg."]);
  }));

test("a mask of another shape than its picture ends it even with skip_bad_images", () =>
  withPictures(2, async (folder) => {
    await noise(40, 96, 3).png().toFile(join(folder, "turned.png"));
    const jsonl_path = join(folder, "data.jsonl");
    const lines = [["1.png", "turned.png"], ["2.png", "1.png"]].map(([image, mask]) =>
      JSON.stringify({ image, text: "a gnome", mask })
    );
    writeFileSync(jsonl_path, lines.join("\n"));
    const dataset = { type: "IMAGE_CAPTION_JSONL_DATASET", jsonl_path };
    const loader = { dataset, resolution: 64, skip_bad_images: true };
    const fault = await failure(optionsFor(loader, { use_masks: true }));
    assert.match(fault.message, /turned\.png.*the shape of .*1\.png/s);
  }));

test("a folder in which every picture is bad fails even with skip_bad_images", () =>
  withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, "1.png"), "");
    const fault = await failure(folderOptions(folder, { skip_bad_images: true }));
    assert.match(fault.message, /1\.png/);
  }));

test("masks that are asked for and not there, before anything runs and while it does", async () => {
  const options = folderOptions(sample("tiny-bruce/train"), {}, { use_masks: true });
  const [early] = await Effect.runPromise(ingest.preflight!(options, offlineInputs));
  const fault = await failure(options);
  assert.equal(early.message, fault.message);
  assert.equal(fault.key, "use_masks");
  assert.match(fault.message, /001\.jpg.*IMAGE_CAPTION_JSONL_DATASET/);
});

test("warnings: the same picture twice, enlarged pictures, animations", () =>
  withPictures(2, async (folder) => {
    writeFileSync(join(folder, "copy.png"), readFileSync(join(folder, "1.png")));
    const frames = [noise(80, 80, 3), noise(80, 80, 4)].map((frame) => frame.png().toBuffer());
    const animation = sharp(await Promise.all(frames), { join: { animated: true } });
    writeFileSync(join(folder, "moving.gif"), await animation.gif().toBuffer());
    const tools = memoryTools();
    await run(folderOptions(folder, { resolution: 88 }), tools);
    const [frame, double, small] = tools.warnings();
    assert.match(frame, /moving\.gif holds 2 pictures/);
    assert.match(double, /^1\.png and copy\.png are the same picture/);
    assert.match(small, /1\.png \(96x80 for 88x88\)/);
  }));

test("links to nothing are all named, with what to do; they may be skipped", () =>
  withPictures(1, async (folder) => {
    const missing = (file: string) =>
      new FileMissing({ file, wanted: "a file", found: "nothing", fix: "Check the path." });
    for (const name of ["a.png", "b.png"]) symlinkSync("nowhere", join(folder, name));
    const tools = {
      ...offlineInputs,
      digestFile: (file: string) =>
        existsSync(file) ? offlineInputs.digestFile(file) : Effect.fail(missing(file)),
    };
    const asked = (more: object) => ingest.inputs!(folderOptions(folder, more), tools);
    const { message } = await Effect.runPromise(Effect.flip(asked({})));
    for (const name of ["a.png", "b.png"]) {
      assert.match(
        message,
        new RegExp(`${name}: wanted a picture, found a link to nothing\\. Put`),
      );
    }
    const [{ digests }] = await Effect.runPromise(asked({ skip_bad_images: true })) as readonly {
      readonly digests: readonly (string | null)[];
    }[];
    assert.deepEqual(digests.map((digest) => digest === null), [false, true, true]);
  }));

test("views have the sizes of their aspect buckets", () =>
  withPictures(1, async (folder) => {
    await noise(160, 60, 2).png().toFile(join(folder, "wide.png"));
    const aspect_ratio_buckets = {
      target_resolution: 64,
      start_dim: 32,
      end_dim: 128,
      divisible_by: 8,
    };
    const { train } = await run(folderOptions(folder, { aspect_ratio_buckets }), memoryTools());
    assert.deepEqual(train.map(({ views }) => views[0].size), [[56, 72], [40, 96]]);
  }));

test("place, time and words in a photo's EXIF reach nothing that is written or said", () =>
  withTemporaryFolder(async (folder) => {
    const exif = {
      IFD0: { ImageDescription: "SECRET words", Model: "SECRET camera" },
      IFD3: { GPSLatitude: "51/1 30/1 3230/100", GPSAreaInformation: "SECRET place" },
    };
    const photo = await noise(96, 80, 1).withExif(exif).jpeg().toBuffer();
    assert.ok(photo.includes("SECRET"));
    writeFileSync(join(folder, "1.jpg"), photo);
    writeFileSync(join(folder, "2.jpg"), photo.subarray(0, photo.length / 2));
    const tools = memoryTools();
    const options = folderOptions(folder, { skip_bad_images: true });
    const examples = await run(options, tools);
    const inputs = await Effect.runPromise(ingest.inputs!(options, offlineInputs));
    const fault = await failure(folderOptions(folder));
    const said = JSON.stringify([examples, tools.events, tools.made, inputs, fault.message]);
    assert.ok(!said.includes("SECRET"));
    assert.ok([...tools.blobs.values()].every((blob) => !Buffer.from(blob).includes("SECRET")));
  }));

test("inputs change with a picture's bytes, its name and a caption, not with the folder", () =>
  withTemporaryFolder(async (outer) => {
    const write = async (folder: string, caption: string, seed = 1, name = "1") => {
      mkdirSync(join(outer, folder));
      await noise(16, 16, seed).png().toFile(join(outer, folder, `${name}.png`));
      writeFileSync(join(outer, folder, `${name}.txt`), caption);
      const dataset = { type: "IMAGE_CAPTION_DIR_DATASET", dataset_dir: join(outer, folder) };
      return JSON.stringify(
        await Effect.runPromise(ingest.inputs!(optionsFor({ dataset }), offlineInputs)),
      );
    };
    const first = await write("a", "one");
    assert.equal(await write("b", "one"), first);
    assert.notEqual(await write("c", "two"), first);
    assert.notEqual(await write("d", "one", 2), first);
    assert.notEqual(await write("e", "one", 1, "2"), first);
    assert.ok(!first.includes(outer));
  }));

test("preflight gives the faults of both datasets at once", async () => {
  const faults = await Effect.runPromise(ingest.preflight!(
    optionsFor({
      dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "no/such/folder" },
    }, {
      fixed_loss_dataset: { type: "IMAGE_CAPTION_JSONL_DATASET", jsonl_path: "no/such.jsonl" },
    }),
    offlineInputs,
  ));
  assert.deepEqual(
    faults.map(({ key }) => key),
    [
      "data_loader.dataset.dataset_dir",
      "data_loader.dataset.jsonl_path",
    ],
  );
});

test("pictures set aside are measured on, centred and as they are, and not trained on", () =>
  withPictures(9, async (folder) => {
    const loader = { center_crop: false, random_flip: true };
    const tools = memoryTools();
    const options = folderOptions(folder, loader, { fixed_loss_holdout: 2 });
    const { train, heldOut } = await run(options, tools);
    assert.deepEqual([train.length, heldOut.length], [7, 2]);
    const ids = [...train, ...heldOut].map(({ id }) => id);
    assert.equal(new Set(ids).size, 9);
    for (const { views } of heldOut) {
      assert.equal(views.length, 1);
      // Resized to 77 x 64, from the middle.
      assert.deepEqual([views[0].crop_top_left, views[0].flipped], [[0, 6], false]);
    }
    assert.deepEqual(tools.warnings(), []);
    assert.deepEqual(await run(options), { train, heldOut });

    const few = memoryTools();
    const none = await run(folderOptions(folder, {}, { fixed_loss_holdout: 0 }), few);
    assert.deepEqual([none.train.length, none.heldOut.length], [9, 0]);
    const wrong = await Effect.runPromise(
      ingest.preflight!(folderOptions(folder, {}, { fixed_loss_holdout: 9 }), offlineInputs),
    );
    assert.match(wrong.map(({ message }) => message).join(), /fixed_loss_holdout.*9 of 9/s);
  }));
