// What is wrong with a request for pictures.
import { fault } from "../../lib/fault.ts";

export class GenerateFault extends fault("GenerateFault", "user") {}
