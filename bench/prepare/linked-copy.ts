import { copyFileSync, linkSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LINKED_BYTES = 1 << 20;

/** Copies a data folder. The large files of the warehouse's parts and of the lake, which nobody ever changes, are linked, so that it takes no time. */
export function copyLinked(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyLinked(source, target);
    else if (entry.isFile()) {
      const immutable = (source.includes('/warehouse/data/store/') || source.endsWith('.parquet')) && statSync(source).size >= LINKED_BYTES;
      if (immutable) linkSync(source, target);
      else copyFileSync(source, target);
    }
  }
}
