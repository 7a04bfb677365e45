/** An aggregate function, taken of rows at once or of the states of their parts. */
export interface Aggregate {
  /** With its parameters, if it has any: `uniqExact`, `quantileExactInclusive(0.5)`. */
  fn: string;
  /** Its arguments. */
  of: string;
  /** What is read of its result; absent = the result itself. */
  shown?: (result: string) => string;
}

/** SQL of it over rows. */
export function aggregateSql({ fn, of, shown = itself }: Aggregate): string {
  return shown(`${fn}(${of})`);
}

/** SQL of its state over rows. */
export function stateSql({ fn, of }: Aggregate): string {
  return `${suffixed(fn, 'State')}(${of})`;
}

/** SQL of it over all rows whose states are brought together; of those that lie in a window, where one is named. */
export function ofStatesSql({ fn, shown = itself }: Aggregate, state: string, window?: string): string {
  return shown(`${/^\w+Merge\b/.test(fn) ? fn : suffixed(fn, 'Merge')}(${state})${window === undefined ? '' : ` OVER ${window}`}`);
}

function suffixed(fn: string, suffix: string): string {
  return fn.replace(/^\w+/, (name) => name + suffix);
}

function itself(result: string): string {
  return result;
}
