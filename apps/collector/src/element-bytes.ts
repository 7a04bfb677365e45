import { sliceElements } from '@tidemark/pipeline';

/** The original bytes of each event of a batch, found only when the first of them is asked for. */
export function elementBytes(body: Buffer, values: readonly unknown[]): (index: number) => Buffer {
  let ranges: readonly (readonly [number, number])[] | undefined;
  return (index) => {
    ranges ??= sliceElements(body, 'events');
    const range = ranges.length === values.length ? ranges[index] : undefined;
    return range === undefined ? Buffer.from(JSON.stringify(values[index])) : body.subarray(range[0], range[1]);
  };
}
