// Turns whatever was thrown into a fault: one of ours stays what it is, anything else is a defect.
import { type Fault, fault, isFault } from "./fault.ts";

export class UnexpectedError extends fault("UnexpectedError", "defect") {}

export const asFault = (cause: unknown): Fault =>
  isFault(cause) ? cause : new UnexpectedError({
    wanted: "no such error",
    found: cause instanceof Error ? cause.stack ?? cause.message : String(cause),
    fix: "This is a defect of gnomic; please report it with this text.",
    cause,
  });
