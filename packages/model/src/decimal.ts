/** Exact decimals with 20 digits after the point, as a bigint of 10^-20. */
const SCALE = 20;

/** The decimal of a number's shortest text; what is finer than 10^-20 is cut off. */
export function toDecimal(value: number): bigint {
  const [mantissa = '0', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) - fraction.length + SCALE;
  const digits = BigInt(whole + fraction);
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  return value < 0 ? -magnitude : magnitude;
}

/** The double nearest to decimal / count, by a quotient far finer than a double. */
export function toNumber(decimal: bigint, count = 1): number {
  const magnitude = ((decimal < 0n ? -decimal : decimal) * 10n ** 40n) / BigInt(count);
  return Number(`${decimal < 0n ? '-' : ''}${magnitude}e-${SCALE + 40}`);
}
