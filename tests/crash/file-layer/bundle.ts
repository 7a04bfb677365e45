import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A TypeScript program of the tests as one file that Node runs by itself; the file goes with this process. */
export async function bundleProgram(entry: URL): Promise<string> {
  // Below node_modules, so that the packages that stay outside of it are found.
  const folder = join(ROOT, 'node_modules', '.cache', `tidemark-tests-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, `${basename(entry.pathname, '.ts')}.mjs`);
  const bundled = await rolldown({
    input: fileURLToPath(entry),
    platform: 'node',
    external: (id) => !/^[./]|^@tidemark\//.test(id),
    resolve: { conditionNames: ['tidemark-source', 'node', 'import', 'default'] },
    tsconfig: join(ROOT, 'tsconfig.json'),
  });
  await bundled.write({ file, format: 'esm' });
  await bundled.close();
  return file;
}
