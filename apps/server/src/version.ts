/** The version in the root package.json, found from the source tree and from dist/ alike. */
import { existsSync, readFileSync } from 'node:fs';

const CANDIDATES = ['../package.json', '../../../package.json'];

export function readVersion(): string {
  for (const candidate of CANDIDATES) {
    const file = new URL(candidate, import.meta.url);
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string };
    if (manifest.name === 'tidemark') return manifest.version;
  }
  throw new Error('The package.json of Tidemark was not found beside its program: install it again.');
}
