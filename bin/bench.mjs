// Builds the server, puts a copy of it with the benchmarks aside, and runs them: `npm run bench -- r1`. The copy is what
// is measured, so that a build in the middle of a run changes nothing; it is removed in the end.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { ensureBuilt } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const copy = join(root, `dist.bench-${process.pid}`);
process.exitCode = 1;
try {
  await ensureBuilt(root);
  cpSync(join(root, 'dist'), copy, { recursive: true });
  mkdirSync(join(copy, 'bin'));
  writeFileSync(
    join(copy, 'bin/tidemark.mjs'),
    "import { main } from '../cli.mjs';\nprocess.exitCode = await main(process.argv.slice(2));\n",
  );
  await bundle();
  cpSync(join(root, 'bench/preload'), join(copy, 'bench/preload'), { recursive: true });
  const { status } = spawnSync(process.execPath, [join(copy, 'bench/main.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

async function bundle() {
  const bundled = await rolldown({
    input: [
      'main',
      'generator-process',
      'bare-server',
      'bare-log-process',
      'plain-insert-process',
      'question-process',
      'rollups-process',
      'sql-process',
      'fill-process',
      'history-process',
      'lake-process',
      'hand-sql-process',
      'timeline-process',
    ].map((name) => join(root, 'bench', `${name}.ts`)),
    platform: 'node',
    external: (id) => !/^[./]|^@tidemark\/|^[A-Za-z]:[/\\]/.test(id),
    resolve: { conditionNames: ['tidemark-source', 'node', 'import', 'default'] },
    tsconfig: join(root, 'tsconfig.json'),
  });
  await bundled.write({
    dir: join(copy, 'bench'),
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  await bundled.close();
}
