// The program's former place: what starts it here goes on working.
import "../../cli/main.ts";
