/** How large files become while something goes on. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** The most bytes that a file of the name below the folder was seen to have until `settles` does; 0 when none was seen. */
export async function largestFile(folder: string, name: string, settles: Promise<unknown>): Promise<number> {
  let [largest, isOver] = [0, false];
  const over = (): boolean => (isOver = true);
  void settles.then(over, over);
  while (!isOver) {
    for (const path of filesOf(folder, name)) largest = Math.max(largest, statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    await setTimeout(1);
  }
  return largest;
}

/** Paths of the files of that name below the folder. */
export function filesOf(folder: string, name: string): string[] {
  return readdirSync(folder).flatMap((seat) => join(folder, seat, 'handed', name)).filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
}
