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
  'sdks/core': [],
  'sdks/conformance': [],
  'sdks/browser': ['sdk-core'],
  'sdks/node': ['sdk-core'],
  'sdks/react-native': ['sdk-core'],
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

describe('files of a workspace', () => {
  it('never import each other in a circle, of types neither: who reads one can begin at the ground', () => {
    expect(workspaces.flatMap(({ files }) => inCircles(files))).toEqual([]);
  });

  it('are found where they do', () => {
    const file = (path: string, ...specifiers: string[]): SourceFile => ({
      path,
      isTest: false,
      imports: specifiers.map((specifier) => ({ specifier, module: undefined, typeOnly: true })),
    });
    const files = [file('a/top.ts', './one.ts'), file('a/one.ts', './b/two.ts'), file('a/b/two.ts', '../one.ts', '../low.ts'), file('a/low.ts')];
    expect(inCircles(files)).toEqual(['a/one.ts', 'a/b/two.ts']);
  });

  /** What is left when those that import none of the rest, or that none of the rest imports, are taken away again and again. */
  function inCircles(files: readonly SourceFile[]): string[] {
    const imported = ({ path, imports }: SourceFile): string[] =>
      imports.filter(({ module }) => module === undefined).map(({ specifier }) => join(path, '..', specifier));
    let left = files.filter(({ isTest }) => !isTest);
    for (let before = Infinity; left.length < before; ) {
      before = left.length;
      const paths = new Set(left.map(({ path }) => path));
      const reached = new Set(left.flatMap(imported));
      left = left.filter((file) => reached.has(file.path) && imported(file).some((path) => paths.has(path)));
    }
    return left.map(({ path }) => path);
  }
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
