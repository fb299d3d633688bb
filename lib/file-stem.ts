// A name that may stand in a file's or folder's name on every system.
// The trap: Windows opens a device under these names whatever ending follows (NUL.safetensors is NUL).

/** The stem itself, or with `_` behind it where Windows has a device of that name. */
export const safeStem = (stem: string): string =>
  /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9])(\.|$)/i.test(stem)
    ? stem.replace(/^[^.]+/, "$&_")
    : stem;
