import { mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Where tests keep what they build. Below node_modules, so that programs there find the packages that they import. */
export function cacheFolder(): string {
  const folder = join(ROOT, 'node_modules', '.cache', 'tidemark-tests');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A TypeScript program of the tests as one file that Node runs by itself. */
export async function bundleProgram(entry: URL): Promise<string> {
  const file = join(cacheFolder(), `${basename(entry.pathname, '.ts')}.mjs`);
  const partial = `${file}.${process.pid}`;
  const bundled = await rolldown({
    input: fileURLToPath(entry),
    platform: 'node',
    external: (id) => !/^[./]|^@tidemark\//.test(id),
    resolve: { conditionNames: ['tidemark-source', 'node', 'import', 'default'] },
    tsconfig: join(ROOT, 'tsconfig.json'),
  });
  await bundled.write({ file: partial, format: 'esm' });
  await bundled.close();
  // Whole or not at all, as two runs may build it at once.
  renameSync(partial, file);
  return file;
}
