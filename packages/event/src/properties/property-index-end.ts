import { TYPE } from './property-type.ts';

/**
 * Where the encoded properties that begin at `at` end; undefined when they break off before `end` or are none of ours: to
 * tell a damaged row from a whole one.
 */
export function propertyIndexEnd(bytes: Buffer, at: number, end: number): number | undefined {
  let next = at;
  const length = (): number => {
    let size = 0;
    for (let shift = 0; shift <= 28 && next < end; shift += 7) {
      const byte = bytes[next++]!;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return size;
    }
    return Infinity;
  };
  const string = (): void => {
    const size = length();
    next += size;
  };
  const skip = (type: number | undefined): void => {
    if (type === TYPE.string) string();
    else if (type === TYPE.bool) next += 1;
    else if (type === TYPE.int64 || type === TYPE.float64) next += 8;
    else if (type !== TYPE.none) next = Infinity;
  };
  const list = (): void => {
    const kind = bytes[next++];
    const type = bytes[next++];
    for (let left = length(); left > 0 && next < end; left--) {
      if (kind === TYPE.dynamic) skip(bytes[next++]);
      else if (bytes[next++] === 0) skip(type);
    }
  };
  for (let paths = length(); paths > 0; paths--) {
    string();
    if (next >= end) return undefined;
    const type = bytes[next++];
    if (type === TYPE.list) list();
    else skip(type);
  }
  return next <= end ? next : undefined;
}
