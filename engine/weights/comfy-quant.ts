// How ComfyUI says that a layer is quantised: a small tensor of JSON beside it, `<layer>.comfy_quant`, or
// one list of all layers in the metadata. fp8 with its scale is read here, every other format is not.
// The trap: the JSON may say that values were also rotated or grouped, which no dtype and no shape shows.
import { readBytes, type SafetensorsHeader } from "../../lib/safetensors/safetensors.ts";

const suffix = ".comfy_quant";
const longest = 10_000;

/** How to multiply with it is said too, and does not change what the weights are. */
const harmless: ReadonlySet<string> = new Set(["format", "full_precision_matrix_mult"]);

function isRead(note: unknown): boolean {
  const { format } = Object(note) as Record<string, unknown>;
  return (format === "float8_e4m3fn" || format === "float8_e5m2") &&
    Object.keys(Object(note)).every((key) => harmless.has(key));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a layer says of itself when that is not read here; undefined when there is nothing like it. */
export async function foreignFormat(
  { tensors, metadata }: SafetensorsHeader,
): Promise<{ readonly layer: string; readonly says: string } | undefined> {
  const list = metadata["_quantization_metadata"];
  if (list !== undefined) {
    const { layers } = Object(parsed(list)) as Record<string, unknown>;
    if (layers === undefined) return { layer: "_quantization_metadata", says: list.slice(0, 80) };
    const foreign = Object.entries(Object(layers)).find(([, note]) => !isRead(note));
    if (foreign !== undefined) return { layer: foreign[0], says: JSON.stringify(foreign[1]) };
  }
  for (const [name, view] of tensors) {
    if (!name.endsWith(suffix)) continue;
    const text = view.bytes > longest
      ? `${view.bytes} bytes`
      : new TextDecoder().decode(await readBytes(view));
    if (!isRead(parsed(text))) {
      return { layer: name.slice(0, -suffix.length), says: text.slice(0, 80) };
    }
  }
  return undefined;
}
