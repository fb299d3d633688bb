// Events from lines, quickly: of a long run the Schema takes as long as parsing the JSON. So a plain check is
// made of each event's schema, once, and the Schema itself is asked only of what is no plain data.
// The trap: the check must take the very lines that the Schema takes; a test compares the two.
import { type Schema, SchemaAST } from "effect";
import { trainingCodec, trainingEvents } from "../../inversion/event-kinds.ts";
import type { RunEvent } from "../../inversion/events.ts";

type Check = (value: unknown) => boolean;

/** What a number is asked for, by the id of the check. */
const numbers: Readonly<Record<string, Check>> = {
  "effect/schema/isFinite": Number.isFinite,
  "effect/schema/isInt": Number.isSafeInteger,
};

const idOf = ({ annotations }: SchemaAST.Check<any>): string => {
  const { id } = annotations?.representation as { readonly id?: string } ?? {};
  return id ?? "";
};

/** Undefined where the schema asks for more than plain data: the Schema itself must be asked. */
function checkOf(ast: SchemaAST.AST): Check | undefined {
  if (ast.encoding !== undefined) return undefined;
  if (SchemaAST.isNumber(ast)) {
    const checks = (ast.checks ?? []).map((check) => numbers[idOf(check)]);
    return checks.every((check) => check !== undefined)
      ? (value) => typeof value === "number" && checks.every((check) => check(value))
      : undefined;
  }
  if (ast.checks !== undefined) return undefined;
  if (SchemaAST.isString(ast)) return (value) => typeof value === "string";
  if (SchemaAST.isBoolean(ast)) return (value) => typeof value === "boolean";
  if (SchemaAST.isNull(ast)) return (value) => value === null;
  if (SchemaAST.isLiteral(ast)) return (value) => value === ast.literal;
  if (SchemaAST.isUnion(ast)) {
    const checks = allOf(ast.types);
    return checks && ((value) => checks.some((check) => check(value)));
  }
  if (SchemaAST.isArrays(ast)) return arrayCheck(ast);
  return SchemaAST.isObjects(ast) ? objectCheck(ast) : undefined;
}

function allOf(asts: readonly SchemaAST.AST[]): readonly Check[] | undefined {
  const checks = asts.map(checkOf);
  return checks.includes(undefined) ? undefined : checks as Check[];
}

/** A tuple, or a list of one kind. */
function arrayCheck({ elements, rest }: SchemaAST.Arrays): Check | undefined {
  const [first, others] = [allOf(elements), allOf(rest)];
  if (first === undefined || others === undefined || others.length > 1) return undefined;
  if (elements.some((each) => each.context?.isOptional)) return undefined;
  const [each] = others;
  return (value) =>
    Array.isArray(value) &&
    (each === undefined ? value.length === first.length : value.length >= first.length) &&
    value.every((item, i) => (first[i] ?? each)(item));
}

function objectCheck({ propertySignatures, indexSignatures }: SchemaAST.Objects) {
  const checks = allOf(propertySignatures.map(({ type }) => type));
  if (checks === undefined || indexSignatures.length > 0) return undefined;
  const fields = propertySignatures.map(({ name, type }, i) => ({
    name,
    check: checks[i],
    optional: type.context?.isOptional ?? false,
  }));
  return (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    fields.every(({ name, check, optional }) =>
      optional && !(name in value) || check((value as Record<PropertyKey, unknown>)[name])
    );
}

const checks = new Map(
  Object.entries(trainingEvents).map(([tag, { schema }]) =>
    [tag, checkOf((schema as Schema.Top).ast)] as const
  ),
);

/**
 * The event of a line; undefined for a line that is none. One of somebody's own stage passes too: who reads
 * events passes over those that it does not know.
 */
export function quickEvent(line: string): RunEvent | undefined {
  try {
    const value = JSON.parse(line);
    const check = checks.get(value?.event);
    if (check === undefined) return trainingCodec.parse(line) as RunEvent | undefined;
    return check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
