/**
 * Exact sums. Adding doubles depends on their order, and so on threads and merges; so each number is added as the decimal
 * of its shortest text (`0.1` is one tenth), and the sum is turned into a double once, at the end.
 */
import type { Aggregate } from './aggregate.ts';

/** Digits after the point that take part; smaller parts of a number are cut off. */
const SCALE = 20;
/** Decimal256 holds 76 digits; numbers from here on are left to `hugeSum`. */
const HUGE = "toFloat64('1e50')";

const OUTERMOST = `toFloat64('${Number.MAX_VALUE}')`;

/** Over a Nullable(Float64): the exact sum as text, '' when there was no number; see `decimalOf`. */
export function exactSum(number: string): Aggregate {
  return { fn: 'sumIf', of: `${decimalSql(`ifNull(${number}, 0)`)}, NOT (${isHugeSql(number)})`, shown: (sum) => `toString(${sum})` };
}

/** SQL of a Float64 as a Decimal; 0 of one that none holds (`isHugeSql`). */
export function decimalSql(number: string): string {
  return `toDecimal256OrZero(toString(${number}), ${SCALE})`;
}

/** SQL that is 1 for a number that no Decimal holds. */
export function isHugeSql(number: string): string {
  return `abs(${number}) >= ${HUGE}`;
}

/** The sum of the numbers that no Decimal holds, as doubles in ascending order, so that it too is always the same. */
export function hugeSum(number: string): Aggregate {
  // JSON has no infinity: a sum beyond the doubles is the outermost of them.
  const shown = (numbers: string): string => `greatest(-${OUTERMOST}, least(${OUTERMOST}, arraySum(arraySort(${numbers}))))`;
  return { fn: 'groupArrayIf', of: `assumeNotNull(${number}), ${isHugeSql(number)}`, shown };
}

/** The double nearest to the sum that the two aggregates gave. */
export function sumOf(text: string, huge: number): number {
  return Number(text) + huge;
}

/** The double nearest to sum / count. */
export function averageOf(text: string, huge: number, count: number): number {
  if (count === 0) return 0;
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  // Enough digits that the quotient's own rounding can't be seen in a double's 17.
  const digits = SCALE + 25;
  const quotient = (BigInt(whole + fraction.padEnd(digits, '0')) + BigInt(count) / 2n) / BigInt(count);
  const plain = Number(`${text.startsWith('-') ? '-' : ''}${quotient}e-${digits}`);
  return plain + huge / count;
}

/** Numbers from here on are not held by a Decimal any more when multiplied by billionths. */
const HUGE_OF_SHARES = "toFloat64('1e40')";

/**
 * SQL aggregates over `number` (Float64) times `billionths` (whole): `plain`, the exact sum as a Decimal of billionths; and `huge`, the
 * products of numbers that no Decimal holds, as an Array(Float64). See `shareSumOf`, of their merged sums.
 */
export function shareSumSql(number: string, billionths: string): { plain: string; huge: string } {
  const isPlain = `abs(${number}) < ${HUGE_OF_SHARES}`;
  return {
    plain: `sumIf(toDecimal256OrZero(toString(${number}), ${SCALE}) * ${billionths}, ${isPlain})`,
    huge: `groupArrayIf(${number} * (${billionths} / 1e9), NOT (${isPlain}) AND ${billionths} != 0)`,
  };
}

/** SQL aggregate over groups' `huge` of `shareSumSql`: their sum, never infinite. */
export function hugeSharesSql(huge: string): string {
  return `greatest(-${OUTERMOST}, least(${OUTERMOST}, arraySum(arraySort(groupArrayArray(${huge})))))`;
}

/** The double nearest to the sum of all products. */
export function shareSumOf(plainBillionths: string, huge: number): number {
  return Number(`${plainBillionths}e-9`) + huge;
}
