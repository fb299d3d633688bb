// How long what a dead worker had stays its own, unless its fleet says otherwise.
import { Duration } from "effect";

/** On one machine whoever was killed is soon back. */
export const embeddedLease = Duration.seconds(10);

/** Of several machines. */
export const sharedLease = Duration.minutes(2);
