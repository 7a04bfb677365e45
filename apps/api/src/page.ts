import { readFileSync } from 'node:fs';

/** Beside the bundle in dist/, or in the sources. */
const PLACES = ['./page/index.html', '../../dashboard/src/page/index.html'];

/** The first page; undefined when this build has none. */
export function pageHtml(): string | undefined {
  for (const place of PLACES) {
    try {
      return readFileSync(new URL(place, import.meta.url), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}
