// Ends at once, with one line, where Deno lets the program do less than its command needs. Imported before
// everything else: what lacks a right while it is loaded would end without a word.
// The trap: on Linux only who may do all may read /proc, where it stands which process still works in a run. So with
// less can do what looks at single files, and what takes every lock for held (runs prune).
interface Permissions {
  readonly querySync: (wish: { readonly name: string }) => { readonly state: string };
}

const files = ["read", "write", "env", "sys"];
const all = [...files, "net", "run", "ffi"];

/** What a command lacks; nothing is asked of the user. */
export const lacking = (
  [command, action]: readonly string[],
  permissions: Permissions,
): readonly string[] =>
  (command === "embedding" || (command === "runs" && action === "prune") ? files : all)
    .filter((name) => permissions.querySync({ name }).state !== "granted");

const deno = (globalThis as {
  Deno?: { permissions: Permissions; args: readonly string[]; exit: (code: number) => never };
}).Deno;

if (deno !== undefined) {
  const names = lacking(deno.args, deno.permissions);
  if (names.length > 0) {
    const command = deno.args.join(" ");
    console.error(
      `gnomic lacks Deno's permission for ${names.join(", ")}: start it by its task, ` +
        `deno run ${command || "pipeline sdxl-ti"}, or with deno run -A cli/main.ts ${command}`
          .trimEnd(),
    );
    deno.exit(2);
  }
}
