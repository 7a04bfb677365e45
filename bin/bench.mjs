// Builds the server and the benchmarks, then runs them: `npm run bench -- r1`.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { ensureBuilt } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
await ensureBuilt(root);
const bundled = await rolldown({
  input: ['main', 'generator-process', 'bare-server'].map((name) => join(root, 'bench', `${name}.ts`)),
  platform: 'node',
  external: (id) => !/^[./]|^@tidemark\/|^[A-Za-z]:[/\\]/.test(id),
  resolve: { conditionNames: ['tidemark-source', 'node', 'import', 'default'] },
  tsconfig: join(root, 'tsconfig.json'),
});
await bundled.write({ dir: join(root, 'dist/bench'), format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
await bundled.close();
const { status } = spawnSync(process.execPath, [join(root, 'dist/bench/main.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
