// Other programs and a card in software take minutes that the suite has not, and wants packages that few
// have: `deno task test:peers` alone asks for them.
import process from "node:process";

/** False, or why such a test is not run now. */
export const skipUnlessAsked = process.env.GNOMIC_PEER_TESTS === "1"
  ? false
  : "only in `deno task test:peers`";
