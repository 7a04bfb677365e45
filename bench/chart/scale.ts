/** From values to places on an axis, and which values deserve a mark. */
export interface Scale {
  place(value: number): number;
  ticks: number[];
}

/** From 0 to a round number at or above `max`; marks at 1, 2 or 5 times a power of ten. */
export function linear(max: number, from: number, to: number): Scale {
  const step = roundStep(max / 6);
  const end = Math.ceil(max / step) * step;
  return {
    place: (value) => from + (value / end) * (to - from),
    ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step),
  };
}

/** Whole powers of ten around `min` and `max`, both above 0. */
export function logarithmic(min: number, max: number, from: number, to: number): Scale {
  const first = Math.floor(Math.log10(min));
  const last = Math.max(first + 1, Math.ceil(Math.log10(max)));
  return {
    place: (value) => from + ((Math.log10(Math.max(value, 10 ** first)) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
  };
}

function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= atLeast) ?? 10 * power;
}
