/** Packages that only tests use, installed once into a cache below node_modules: other vendors' clients, at the versions that published.json names. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '@tidemark/warehouse/testing';

export const installedClients = (): string | undefined =>
  installed(join(import.meta.dirname, 'published.json'), 'clients');

/** The folder that holds what that package.json wants; undefined, with a sentence on the console, where no registry can be reached. */
export function installed(wanted: string, what: string): string | undefined {
  const version = createHash('sha256').update(readFileSync(wanted)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${what}-${version}`);
  if (existsSync(folder)) return folder;
  // Whole or not at all, as two test files may install at once.
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  cpSync(wanted, join(partial, 'package.json'));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags], {
    cwd: partial,
    encoding: 'utf8',
    timeout: 180_000,
  });
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    console.warn(
      `SKIPPING the tests with ${what}: npm could not install what ${wanted} names (${stderr.trim().split('\n')[0]})`,
    );
    return undefined;
  }
  if (!existsSync(folder)) renameSync(partial, folder);
  else rmSync(partial, { recursive: true, force: true });
  return folder;
}

/** What a package exports to CommonJS. */
export function requireClient<T>(folder: string, name: string): T {
  return createRequire(join(folder, 'package.json'))(name) as T;
}
