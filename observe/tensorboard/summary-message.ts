// From a summary to the protobuf message, in the one form that TensorBoard's two readers both show:
// the Rust data server drops scalars that are DT_DOUBLE or of shape [1], so scalars are simple values;
// pictures are rank 1 strings: width, height, then one encoded picture (png or jpeg) after another.
import {
  dataClass,
  dataType,
  type EventMessage,
  type SummaryValueMessage,
  type TensorMessage,
} from "./event-proto.ts";
import { histogram } from "./histogram.ts";
import type { Picture, Summary, SummaryValue } from "./summary.ts";

/** Gives the bytes of a picture file, or nothing when it is not there any more. */
export type ReadPicture = (picture: Picture) => Promise<Uint8Array | undefined>;

const metadata = (pluginName: string, dataClass: number) => ({
  pluginData: { pluginName },
  dataClass,
});

const shape = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) });

const text = new TextEncoder();

function histogramTensor(values: readonly number[]): TensorMessage {
  const buckets = histogram(values);
  return {
    dtype: dataType.double,
    tensorShape: shape(buckets.length, 3),
    doubleVal: buckets.flat(),
  };
}

async function picturesTensor(
  pictures: readonly Picture[],
  read: ReadPicture,
): Promise<TensorMessage | undefined> {
  const encoded = (await Promise.all(pictures.map(read))).filter((bytes) => bytes !== undefined);
  if (encoded.length === 0) return undefined;
  const { width, height } = pictures[0];
  const stringVal = [text.encode(String(width)), text.encode(String(height)), ...encoded];
  return { dtype: dataType.string, tensorShape: shape(stringVal.length), stringVal };
}

async function valueMessage(
  value: SummaryValue,
  read: ReadPicture,
): Promise<SummaryValueMessage | undefined> {
  const { tag } = value;
  switch (value.kind) {
    case "scalar":
      return { tag, simpleValue: value.value };
    case "text":
      return {
        tag,
        tensor: {
          dtype: dataType.string,
          tensorShape: shape(),
          stringVal: [text.encode(value.markdown)],
        },
        metadata: metadata("text", dataClass.tensor),
      };
    case "histogram":
      return {
        tag,
        tensor: histogramTensor(value.values),
        metadata: metadata("histograms", dataClass.tensor),
      };
    case "pictures": {
      const tensor = await picturesTensor(value.pictures, read);
      return tensor && { tag, tensor, metadata: metadata("images", dataClass.blobSequence) };
    }
  }
}

/** The summary as a message; nothing when all its pictures are gone. */
export async function summaryMessage(
  summary: Summary,
  read: ReadPicture,
): Promise<EventMessage | undefined> {
  const value = (await Promise.all(summary.values.map((value) => valueMessage(value, read))))
    .filter((message) => message !== undefined);
  return value.length === 0
    ? undefined
    : { wallTime: summary.at / 1000, step: summary.step, summary: { value } };
}
