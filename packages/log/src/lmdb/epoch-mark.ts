import { crc32 } from 'node:zlib';

/** Key of the mark, beside the epochs. */
export const MARK = 'epoch-mark';

/** A flipped letter of an epoch would make it another log's, and everything in it would be stored again. */
export function epochMark(epoch: string, epochs: string): string {
  return crc32(`${epoch}\n${epochs}`).toString(16).padStart(8, '0');
}
