// Bytes as TensorBoard's own RecordWriter and protobuf classes wrote them (tensorboard 2.21), and the
// published check values of CRC-32C.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeEvent, encodeEvent } from "./event-proto.ts";
import { frameRecord, maskedCrc, splitRecords } from "./record-frame.ts";

const summaryRecord =
  "5f00000000000000503f288609000000000000f83f10072a520a110a0a747261696e5f6c6f7373150000803e0a3d0a" +
  "016842260802120812020801120208033218000000000000f03f000000000000004000000000000014404a100a0c0a" +
  "0a686973746f6772616d7320020b5c0fe2";
const summaryEvent = {
  wallTime: 1.5,
  step: 7,
  summary: {
    value: [
      { tag: "train_loss", simpleValue: 0.25 },
      {
        tag: "h",
        tensor: {
          dtype: 2,
          tensorShape: { dim: [{ size: 1 }, { size: 3 }] },
          doubleVal: [1, 2, 5],
        },
        metadata: { pluginData: { pluginName: "histograms" }, dataClass: 2 },
      },
    ],
  },
};

test("the masked checksum gives the known value", () => {
  assert.equal(maskedCrc(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0)), 0x224b7fa3);
});

test("an event is framed byte for byte as TensorBoard's writer does", () => {
  const made = Buffer.from(frameRecord(encodeEvent(summaryEvent))).toString("hex");
  assert.equal(made, summaryRecord);
});

test("a session start is framed byte for byte as TensorBoard's writer does", () => {
  const made = frameRecord(encodeEvent({ wallTime: 2.5, step: 3, sessionLog: { status: 1 } }));
  assert.equal(
    Buffer.from(made).toString("hex"),
    "0f000000000000006d532b0909000000000000044010033a02080121efe3f3",
  );
});

test("TensorBoard's bytes are read back", () => {
  const { records, goodBytes } = splitRecords(Buffer.from(summaryRecord, "hex"));
  assert.equal(goodBytes, summaryRecord.length / 2);
  assert.deepEqual(JSON.parse(JSON.stringify(decodeEvent(records[0]))), {
    ...summaryEvent,
    summary: {
      value: summaryEvent.summary.value.map((value) =>
        value.tensor === undefined
          ? value
          : { ...value, tensor: { ...value.tensor, stringVal: [] } }
      ),
    },
  });
});

test("of a file cut at any byte, exactly the whole records are good", () => {
  const payloads = [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3, 4)];
  const frames = payloads.map(frameRecord);
  const all = Buffer.concat(frames);
  for (let cut = 0; cut <= all.length; cut++) {
    let good = 0;
    const whole = frames.filter((frame) => (good += frame.length) <= cut);
    const { records, goodBytes } = splitRecords(all.subarray(0, cut));
    assert.equal(records.length, whole.length);
    assert.equal(goodBytes, whole.reduce((sum, frame) => sum + frame.length, 0));
  }
});

test("a flipped bit ends the good part before its record", () => {
  const frames = [1, 2, 3].map((byte) => frameRecord(Uint8Array.of(byte, byte)));
  fc.assert(fc.property(
    fc.nat(frames[1].length * 8 - 1),
    (bit) => {
      const all = Buffer.concat(frames);
      all[frames[0].length + (bit >> 3)] ^= 1 << (bit & 7);
      assert.equal(splitRecords(all).goodBytes, frames[0].length);
    },
  ));
});
