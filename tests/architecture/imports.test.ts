/** Who may import whom. A line added to the table is a decision about the house, and belongs into ARCHITECTURE.md. */
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, importsOf, readWorkspaces } from './sources.ts';
import type { SourceFile, Workspace } from './sources.ts';

/** The workspaces that each may import, besides itself. Packages know no apps; apps meet only in the server. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'packages/event': [],
  'packages/identity': [],
  'packages/log': [],
  'packages/control': [],
  'packages/metrics': [],
  'packages/schema': ['event'],
  'packages/pipeline': ['event', 'control'],
  'packages/warehouse': ['event'],
  'packages/lake': ['event', 'warehouse'],
  'packages/analytics': ['event', 'identity', 'warehouse'],
  'packages/model': ['event'],
  'apps/collector': ['event', 'log', 'control', 'metrics', 'pipeline'],
  'apps/processor': ['event', 'log', 'control', 'metrics', 'pipeline', 'warehouse', 'lake'],
  // The processor's view is a port that API and jobs read (status.ts): types only, as a test below checks.
  'apps/api': [
    'event',
    'log',
    'control',
    'metrics',
    'pipeline',
    'warehouse',
    'lake',
    'analytics',
    'processor',
  ],
  'apps/jobs': ['event', 'log', 'control', 'metrics', 'warehouse', 'lake', 'processor'],
  'apps/dashboard': [],
  'apps/server': ['*'],
};

const workspaces = readWorkspaces();

function violations(check: (file: SourceFile, workspace: Workspace) => readonly string[]): string[] {
  return workspaces.flatMap((workspace) =>
    workspace.files.flatMap((file) => check(file, workspace).map((what) => `${file.path}: ${what}`)),
  );
}

describe('the import table', () => {
  it('knows every workspace', () => {
    expect(workspaces.map(({ folder }) => folder).filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
    expect(workspaces.flatMap(({ files }) => files).length).toBeGreaterThan(50);
  });

  it('is kept by every source file', () => {
    const found = violations((file, workspace) => {
      if (file.isTest) return [];
      const allowed = MAY_IMPORT[workspace.folder] ?? [];
      return file.imports
        .filter(({ module }) => module?.startsWith('@tidemark/') && module !== workspace.name)
        .map(({ module }) => module!.slice('@tidemark/'.length))
        .filter((name) => !allowed.includes('*') && !allowed.includes(name));
    });
    expect(found).toEqual([]);
  });

  it('lets the event package import only modules of Node itself: it is on every hot path', () => {
    const found = violations((file, { folder }) =>
      folder === 'packages/event' && !file.isTest
        ? file.imports.flatMap(({ module }) => module ?? []).filter((module) => !module.startsWith('node:'))
        : [],
    );
    expect(found).toEqual([]);
  });

  it('has packages that never import an app, not even in tests', () => {
    const apps = new Set(workspaces.filter(({ folder }) => folder.startsWith('apps/')).map(({ name }) => name));
    const found = violations((file, { folder }) =>
      folder.startsWith('packages/')
        ? file.imports.flatMap(({ module }) => (module && apps.has(module) ? module : []))
        : [],
    );
    expect(found).toEqual([]);
  });
});

it('apps know of each other by types only, but for the server, which composes them', () => {
  const apps = new Set(workspaces.filter(({ folder }) => folder.startsWith('apps/')).map(({ name }) => name));
  const found = violations((file, { folder, name }) =>
    folder.startsWith('apps/') && folder !== 'apps/server' && !file.isTest
      ? file.imports.flatMap(({ module, typeOnly }) =>
          module && module !== name && apps.has(module) && !typeOnly ? module : [],
        )
      : [],
  );
  expect(found).toEqual([]);
});

describe('every source file', () => {
  it('reaches other workspaces by their name, never through their folders', () => {
    const found = violations((file, { folder }) =>
      file.imports
        .filter(({ module }) => module === undefined)
        .map(({ specifier }) => specifier)
        .filter((specifier) => !resolve(ROOT, file.path, '..', specifier).startsWith(join(ROOT, folder, 'src'))),
    );
    expect(found).toEqual([]);
  });

  it('imports only what its package.json lists', () => {
    const found = violations((file, { name, dependencies }) =>
      file.isTest
        ? []
        : file.imports
            .flatMap(({ module }) => module ?? [])
            .filter((module) => !module.startsWith('node:') && module !== name && !dependencies.includes(module)),
    );
    expect(found).toEqual([]);
  });

  it('has a name of its own', () => {
    const found = violations(({ path }) =>
      /\/(utils?|helpers?|common|misc|shared)(\/|\.ts$)/i.test(path) ? ['is a bag'] : [],
    );
    expect(found).toEqual([]);
  });
});

describe('the reader of imports', () => {
  it('sees every form', () => {
    const text = `import a from 'one';\nimport type { b } from '@x/two/sub';\nexport * from './three.ts';\nimport 'four';
import {\n  c,\n} from 'five';\nconst d = await import('six');\nconst e = createRequire(import.meta.url)('native');\nconst f = require('seven');`;
    expect(importsOf(text).map(({ module, specifier }) => module ?? specifier)).toEqual([
      'one',
      '@x/two',
      './three.ts',
      'four',
      'five',
      'six',
      'native',
      'seven',
    ]);
  });
});
