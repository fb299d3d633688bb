// What people take for a .safetensors file, recognised by its first bytes so that the message says what to do:
// a pickle, a web page, a GGUF, a Git LFS pointer.
// The trap: a pickle can run any program when it is opened, so nothing of it is ever read further.
import { WeightsFileFault } from "../file-fault.ts";

/** The fault that the first 16 bytes call for; undefined where they may begin a header. */
export function otherKind(file: string, start: Uint8Array): WeightsFileFault | undefined {
  const text = String.fromCharCode(...start);
  if (text[8] === "{") return undefined; // where a real header starts
  if (/^\s*(<[!?a-z]|\{\s*")/i.test(text)) return pageFault(file);
  const pickle = start[0] === 0x80 && start[1] >= 2 && start[1] <= 5;
  if (pickle || text.startsWith("PK\x03\x04") || /\.(ckpt|bin|pt|pth)$/i.test(file)) {
    return pickleFault(file);
  }
  if (text.startsWith("GGUF")) return ggufFault(file);
  if (text.startsWith("version https:")) return lfsFault(file);
  return undefined;
}

const pickleFault = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "a .safetensors file",
    found: "a PyTorch pickle (.ckpt, .bin, .pt), which can run any program when it is opened",
    fix:
      "Take the model's .safetensors version; or, if you trust the file, convert it in Python: " +
      "`d = torch.load('x.ckpt', weights_only=True); " +
      "safetensors.torch.save_file(d.get('state_dict', d), 'x.safetensors')`.",
  });

const pageFault = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "a .safetensors file",
    found: "text, such as a web page or a site's message, instead of the weights",
    fix:
      "The site may want you to log in, or a key in the address: download it again in a browser.",
  });

const ggufFault = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "a .safetensors file",
    found: "a GGUF file, whose weights are quantised for inference",
    fix: "Take the model's float16 or float32 .safetensors version.",
  });

const lfsFault = (file: string) =>
  new WeightsFileFault({
    file,
    wanted: "a .safetensors file",
    found: "a Git LFS pointer instead of the weights",
    fix: "Run `git lfs pull` in that folder, or name the model by its Hugging Face id.",
  });
