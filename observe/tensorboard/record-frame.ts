// The frame of one record in an event file (TensorFlow's TFRecord): u64le length, masked CRC-32C of
// those 8 bytes, the data, masked CRC-32C of the data. The trap: a process killed in the middle of a
// write leaves half a frame at the end; `splitRecords` says where the good part ends.
import crc32c from "crc-32/crc32c.js";

/** CRC-32C as the format stores it: rotated right by 15 bits, plus a constant. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const headerBytes = 12;
const footerBytes = 4;

export function frameRecord(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headerBytes + data.length + footerBytes);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(frame.subarray(0, 8)), true);
  frame.set(data, headerBytes);
  view.setUint32(headerBytes + data.length, maskedCrc(data), true);
  return frame;
}

export interface SplitRecords {
  readonly records: readonly Uint8Array[];
  /** Bytes up to the end of the last good record; what follows is broken or unfinished. */
  readonly goodBytes: number;
}

/** The complete records from the start, up to the first that is cut short or fails its checksum. */
export function splitRecords(bytes: Uint8Array): SplitRecords {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + headerBytes + footerBytes <= bytes.length) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== maskedCrc(bytes.subarray(at, at + 8))) break;
    const end = at + headerBytes + length;
    if (end + footerBytes > bytes.length) break;
    const data = bytes.subarray(at + headerBytes, end);
    if (view.getUint32(end, true) !== maskedCrc(data)) break;
    records.push(data);
    at = end + footerBytes;
  }
  return { records, goodBytes: at };
}
