/** The program of SQL queries, for tests of other packages: built from the sources, as Node alone does not run these. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Resolves to the path of the program, below node_modules, so that it finds the packages that it imports. */
export async function buildQueryProgram(): Promise<string> {
  const folder = join(ROOT, 'node_modules', '.cache', 'tidemark-sql');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'sql-process.mjs');
  const partial = `${file}.${process.pid}`;
  const bundled = await rolldown({
    input: fileURLToPath(new URL('./testing/sql-process.ts', import.meta.url)),
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
