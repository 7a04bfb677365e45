/** The source files of every workspace and what each of them imports. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Workspace {
  /** Such as `packages/event`. */
  folder: string;
  /** Such as `@tidemark/event`. */
  name: string;
  dependencies: string[];
  files: SourceFile[];
}

export interface SourceFile {
  /** From the root. */
  path: string;
  isTest: boolean;
  imports: Import[];
}

export interface Import {
  /** As written. */
  specifier: string;
  /** Without a subpath: `@tidemark/event`, `node:fs`, `ajv`; undefined for a relative one. */
  module: string | undefined;
  /** `import type`: gone at run time. */
  typeOnly: boolean;
}

export function readWorkspaces(): Workspace[] {
  return ['packages', 'sdks', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group))
      .map((name) => `${group}/${name}`)
      .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
      .map(readWorkspace),
  );
}

function readWorkspace(folder: string): Workspace {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    name: string;
    dependencies?: Record<string, string>;
  };
  const src = join(ROOT, folder, 'src');
  const files = existsSync(src)
    ? readdirSync(src, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readSource(join(src, name)))
    : [];
  return { folder, name: manifest.name, dependencies: Object.keys(manifest.dependencies ?? {}), files };
}

/** Helpers of tests lie in a folder `testing`, or say what they are in their name; neither is part of the program. */
const TEST_PATH = /\.test\.ts$|\/testing(\/|\.ts$)|\/stand-in-|\/(batch-server|contract)\.ts$/;

function readSource(file: string): SourceFile {
  const path = relative(ROOT, file);
  return { path, isTest: TEST_PATH.test(path), imports: importsOf(readFileSync(file, 'utf8')) };
}

const IMPORT =
  /^\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|\b(?:require|createRequire\([^)]*\))\(\s*['"]([^'"]+)['"]\s*\)/gm;

export function importsOf(text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    return { specifier, module: moduleOf(specifier), typeOnly: /^\s*(import|export)\s+type\s/.test(match[0]) };
  });
}

function moduleOf(specifier: string): string | undefined {
  if (specifier.startsWith('.')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
}
