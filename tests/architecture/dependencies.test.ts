/** What we may depend on at run time: nothing that runs a script when it is installed, nothing from outside a registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, readWorkspaces } from './sources.ts';

interface LockedPackage {
  resolved?: string;
  hasInstallScript?: boolean;
  dev?: boolean;
  link?: boolean;
  license?: string;
}

/** Their scripts only build what their prebuilt packages hold already (chdb's does nothing): skipping them is no loss. */
const HARMLESS_SCRIPTS = ['chdb', 'lmdb', 'msgpackr-extract'];

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<
    string,
    LockedPackage & { dependencies?: Record<string, string>; devDependencies?: Record<string, string> }
  >;
};
const runtime = Object.entries(lock.packages).filter(
  ([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link,
);

it('needs no install script', () => {
  const found = runtime
    .filter(([, each]) => each.hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(found.filter((name) => !HARMLESS_SCRIPTS.includes(name))).toEqual([]);
});

it('takes packages from a registry only', () => {
  expect(runtime.filter(([, { resolved }]) => resolved?.startsWith('git')).map(([path]) => path)).toEqual([]);
});

it('gives a workspace the same version of a package as the root', () => {
  const root = lock.packages['']!;
  const versions = { ...root.dependencies, ...root.devDependencies };
  const found = readWorkspaces().flatMap(({ folder }) => {
    const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    return Object.entries(manifest.dependencies ?? {})
      .filter(([name, version]) => !name.startsWith('@tidemark/') && versions[name] !== version)
      .map(([name, version]) => `${folder}: ${name} ${version}, the root has ${versions[name]}`);
  });
  expect(found).toEqual([]);
});
