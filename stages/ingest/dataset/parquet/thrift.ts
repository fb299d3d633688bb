// Reads Thrift's compact protocol, in which Parquet writes its footer and page headers: a struct as a
// map from field number to value. The trap: integers are zigzag varints of up to 64 bits; those above
// 2^53 do not occur in offsets and sizes, so plain numbers do.

export type ThriftValue = number | boolean | Uint8Array | readonly ThriftValue[] | ThriftStruct;
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** The struct that begins at `start`, and where it ends. Throws RangeError on bytes that end too soon. */
export function readThrift(bytes: Uint8Array, start = 0): { struct: ThriftStruct; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = start;

  const varint = (): number => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const zigzag = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const binary = (): Uint8Array => {
    const length = varint();
    if (at + length > bytes.length) throw new RangeError("a text longer than the file");
    return bytes.subarray(at, at += length);
  };
  const list = (): ThriftValue[] => {
    const head = view.getUint8(at++);
    const length = head >> 4 === 15 ? varint() : head >> 4;
    if (length > bytes.length) throw new RangeError("a list longer than the file");
    return Array.from({ length }, () => value(head & 15, true));
  };
  const value = (type: number, inList = false): ThriftValue => {
    switch (type) {
      case 1:
      case 2:
        return inList ? view.getUint8(at++) === 1 : type === 1;
      case 3:
        return view.getInt8(at++);
      case 4:
      case 5:
      case 6:
        return zigzag();
      case 7:
        return view.getFloat64((at += 8) - 8, true);
      case 8:
        return binary();
      case 9:
      case 10:
        return list();
      case 12:
        return struct();
      default:
        throw new RangeError(`Thrift type ${type}`);
    }
  };
  const struct = (): ThriftStruct => {
    const fields = new Map<number, ThriftValue>();
    let id = 0;
    for (;;) {
      const head = view.getUint8(at++);
      if (head === 0) return fields;
      id = head >> 4 === 0 ? zigzag() : id + (head >> 4);
      fields.set(id, value(head & 15));
    }
  };
  return { struct: struct(), end: at };
}

/** A count, size or offset that must be there. */
export function numberAt(struct: ThriftStruct, id: number): number {
  const value = struct.get(id);
  if (typeof value !== "number" || value < 0) throw new RangeError(`no number in field ${id}`);
  return value;
}

export function structAt(struct: ThriftStruct, id: number): ThriftStruct {
  const value = struct.get(id);
  if (!(value instanceof Map)) throw new RangeError(`no struct in field ${id}`);
  return value;
}

export function structsAt(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = struct.get(id);
  if (!Array.isArray(value)) throw new RangeError(`no list in field ${id}`);
  return value as ThriftStruct[];
}

export const textAt = (struct: ThriftStruct, id: number): string =>
  textOf(struct.get(id) as Uint8Array);

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
