// Data types as safetensors names them, with their width in bytes.

/**
 * The width of each, in bytes.
 * @internal
 */
export const storedBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/**
 * How a tensor's numbers are stored.
 * @internal
 */
export type StoredDType = keyof typeof storedBytes;
