// exp, log, sin, cos and pow out of + - * / and bit operations alone. V8's own differ between
// versions in the last bit, and a training resumed under another runtime must not differ at all: so
// whatever reaches the state (noise, rates, bias corrections) comes from here. Errors stay below one
// unit in the last place. The trap: regrouping any sum below changes bits, which breaks exact resume.
import { fault } from "../../lib/fault.ts";

export class ExactMathFault extends fault("ExactMathFault", "defect") {}

// ln 2 and pi/2 in parts; all parts but the last are so short that a multiple of them is exact.
const LN2_HIGH = 0.6931471805592082;
const LN2_LOW = 7.371002565167799e-13;
const HALF_PI_1 = 1.5707963267341256;
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_3 = 2.0222662487959506e-21;
const MAX_ANGLE = 1048576;
const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_TO_54 = 18014398509481984;
const THIRD = 1 / 3;
const THIRD_LOW = 1.850371707708594e-17;

const factorial = (n: number): number => n < 2 ? 1 : n * factorial(n - 1);
const range = (first: number, last: number, step = 1): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
const alternating = (term: number, i: number): number => i % 2 === 0 ? term : -term;

/** exp(r) = 1 + r + r^2 EXP(r); log((1+s)/(1-s)) = 2s (1 + z/3 + z^2 LOG(z)) with z = s^2. */
const EXP = range(2, 14).map((n) => 1 / factorial(n));
const LOG = range(5, 25, 2).map((n) => 1 / n);
/** sin(r) = r - r z SIN(z); cos(r) = 1 - z/2 + z^2 COS(z) with z = r^2. */
const SIN = range(3, 17, 2).map((n) => 1 / factorial(n)).map(alternating);
const COS = range(4, 16, 2).map((n) => 1 / factorial(n)).map(alternating);

function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

/** What rounding took from `product` = a * b (Dekker); exact unless a or b nears 2^996. */
function productRest(a: number, b: number, product: number): number {
  const splitA = 134217729 * a;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = 134217729 * b;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

const bits = new DataView(new ArrayBuffer(8));

function powerOfTwo(exponent: number): number {
  bits.setUint32(0, (exponent + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

/** exp(x + low), where `low` is a correction far below x. */
function expOfSum(x: number, low: number): number {
  if (x !== x) return NaN;
  if (x > 710) return Infinity;
  if (x < -746) return 0;
  const k = Math.floor(x / LN2_HIGH + 0.5);
  const high = x - k * LN2_HIGH;
  const rest = low - k * LN2_LOW;
  const r = high + rest;
  const lost = (high - r) + rest;
  const sum = 1 + r;
  const value = sum + ((r - (sum - 1)) + (lost * sum + r * r * polynomial(r, EXP)));
  const half = k >> 1;
  return value * powerOfTwo(half) * powerOfTwo(k - half);
}

/** log(x) for a positive finite x as an unevaluated sum, good to about 2^-64 relative. */
function logAsSum(x: number): readonly [high: number, low: number] {
  const subnormal = x < SMALLEST_NORMAL;
  bits.setFloat64(0, subnormal ? x * TWO_TO_54 : x);
  const top = bits.getUint32(0);
  bits.setUint32(0, (top & 0xfffff) | 0x3ff00000);
  let m = bits.getFloat64(0);
  let k = (top >>> 20) - (subnormal ? 1023 + 54 : 1023);
  if (m > Math.SQRT2) {
    m /= 2;
    k += 1;
  }
  // s = (m - 1) / (m + 1), with what the sum and the quotient lost.
  const difference = m - 1;
  const sum = m + 1;
  const sumLow = m - (sum - 1);
  const s = difference / sum;
  const product = s * sum;
  const sLow = ((difference - product) - productRest(s, sum, product) - s * sumLow) / sum;
  const z = s * s;
  const zLow = productRest(s, s, z) + 2 * s * sLow;
  const cubic = z * THIRD;
  const cubicLow = productRest(z, THIRD, cubic) + z * THIRD_LOW + zLow * THIRD;
  const tail = z * z * polynomial(z, LOG);
  const w = cubic + tail;
  const wLow = (cubic - w) + tail + cubicLow;
  const sw = s * w;
  const swLow = productRest(s, w, sw) + s * wLow + sLow * w;
  const logM = 2 * (s + sw);
  const logMLow = 2 * ((s - (s + sw)) + sw + sLow + swLow);
  const whole = k * LN2_HIGH;
  const high = whole + logM;
  const low = (whole - high) + logM + (logMLow + k * LN2_LOW);
  return [high, low];
}

/** e to the x. */
export const exp = (x: number): number => expOfSum(x, 0);

/** The natural logarithm; -Infinity at 0, NaN below. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x > 0 ? x : NaN;
  const [high, low] = logAsSum(x);
  return high + low;
}

/** x to the y for a base that is not negative (NaN otherwise). */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (!(x >= 0) || y !== y) return NaN;
  if (x === 0 || x === Infinity) return (x === 0) === (y > 0) ? 0 : Infinity;
  const [high, low] = logAsSum(x);
  const product = high * y;
  if (!(product < 710)) return Infinity;
  if (!(product > -746)) return 0;
  return expOfSum(product, productRest(high, y, product) + low * y);
}

function sinKernel(r: number, lost: number): number {
  const z = r * r;
  return r + (lost * (1 - z / 2) - r * (z * polynomial(z, SIN)));
}

function cosKernel(r: number, lost: number): number {
  const z = r * r;
  const half = z / 2;
  const sum = 1 - half;
  return sum + ((1 - sum) - half + (z * z * polynomial(z, COS) - r * lost));
}

/** cos(x - quadrants * pi/2): both functions are a quarter turn apart. */
function cosTurned(x: number, quadrants: number): number {
  if (x - x !== 0) return NaN;
  if (x > MAX_ANGLE || x < -MAX_ANGLE) {
    throw new ExactMathFault({
      wanted: `an angle within ${MAX_ANGLE} of 0`,
      found: `${x}`,
      fix: "Reduce the angle before taking its sine or cosine",
    });
  }
  const k = Math.floor(x / HALF_PI_1 + 0.5);
  const first = x - k * HALF_PI_1;
  const second = k * HALF_PI_2;
  const high = first - second;
  const turned = high - first;
  const rest = (first - (high - turned)) - (second + turned) - k * HALF_PI_3;
  const r = high + rest;
  const lost = (high - r) + rest;
  switch ((k - quadrants) & 3) {
    case 0:
      return cosKernel(r, lost);
    case 1:
      return -sinKernel(r, lost);
    case 2:
      return -cosKernel(r, lost);
    default:
      return sinKernel(r, lost);
  }
}

/** The cosine of x radians. Throws ExactMathFault beyond 2^20, where reduction would lose bits. */
export const cos = (x: number): number => cosTurned(x, 0);

/** The sine of x radians. Throws ExactMathFault beyond 2^20. */
export const sin = (x: number): number => x === 0 ? x : cosTurned(x, 1);
