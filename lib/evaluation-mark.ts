// Imported right before a user's file, it says when that is evaluated: not before all that the file imports is
// loaded. The trap: a module is evaluated once; who imports it anew gives its address another query.
import { begins } from "./in-time.ts";

begins(import.meta.url);
