// Raised when a graph is built wrongly: shapes that do not fit, an operator without a rule.
import { fault } from "../../lib/fault.ts";

export class GraphError extends fault("GraphError", "defect") {}
