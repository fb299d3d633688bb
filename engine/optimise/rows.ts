// The learned rows and their gradients: one flat array for each text encoder, in the encoders' order.
// The trap: optimizers see all encoders at once, since Prodigy's step size and the gradient's norm are
// taken over them together.

/** For each encoder n rows of its width, [n * C]. */
export type Rows = readonly Float64Array[];

/** Each encoder's rows times its factor. */
export const scaleRows = (rows: Rows, factors: readonly number[]): Rows =>
  rows.map((values, group) => values.map((value) => value * factors[group]));

/** Of the same sizes as the rows. */
export type Gradients = readonly (Float32Array | Float64Array)[];
