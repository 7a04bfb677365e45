// Bundles the four programs into dist/, with the files that they read at run time beside them:
//   dist/cli.mjs, dist/collector-process.mjs, dist/engine-process.mjs, dist/sql-process.mjs
//   dist/migrations/<package>/*.sql    from packages/<package>/src/migrations
//   dist/page/                         from apps/dashboard/src/page
//   dist/sdk/                          tidemark.js from sdks/browser, node.mjs from sdks/node
// npm packages stay outside the bundle: several hold native code.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ENTRIES = ['cli', 'collector-process', 'engine-process', 'sql-process'];
const STAMP = 'sources.sha256';

/**
 * Builds unless dist/ was made from exactly these sources.
 * @param {string} root
 */
export async function ensureBuilt(root) {
  const stamp = join(root, 'dist', STAMP);
  const sources = fingerprint(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  process.stderr.write('tidemark: building …\n');
  await build(root, sources);
}

/** @param {string} root @param {string} sources what `fingerprint` says of them */
async function build(root, sources = fingerprint(root)) {
  // Made aside and put in place by renaming: whoever starts meanwhile finds a whole dist/, the old or the new.
  const next = join(root, `dist.${process.pid}`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next);
  try {
    await bundle(root, next);
    await bundleSdks(root, next);
    copyBeside(root, next);
    writeFileSync(join(next, STAMP), sources);
    const dist = join(root, 'dist');
    const old = join(root, `dist.old.${process.pid}`);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(next, dist);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

async function bundle(root, outputFolder) {
  const input = {};
  for (const entry of ENTRIES) {
    const file = join(root, 'apps/server/src', `${entry}.ts`);
    if (existsSync(file)) input[entry] = file;
  }
  const bundled = await rolldown({
    input,
    platform: 'node',
    // Everything named like an npm package, but for our own workspaces.
    external: (id) => !/^[./]|^@tidemark\/|^[A-Za-z]:[/\\]/.test(id),
    resolve: { conditionNames: ['tidemark-source', 'node', 'import', 'default'] },
    tsconfig: join(root, 'tsconfig.json'),
  });
  await bundled.write({
    dir: outputFolder,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].mjs',
    // Flat, so that `new URL('./…', import.meta.url)` means dist/ wherever a module ends up.
    chunkFileNames: '[name]-[hash].mjs',
  });
  await bundled.close();
}

/** The SDKs as files that need no bundler: the script that pages load from us, and Node's as one module. */
async function bundleSdks(root, outputFolder) {
  const resolve = { conditionNames: ['tidemark-source'] };
  const script = await rolldown({ input: join(root, 'sdks/browser/src/script.ts'), platform: 'browser', resolve, tsconfig: join(root, 'sdks/browser/tsconfig.json') });
  await script.write({ file: join(outputFolder, 'sdk/tidemark.js'), format: 'iife', minify: true, comments: false });
  await script.close();
  const node = await rolldown({ input: join(root, 'sdks/node/src/index.ts'), platform: 'node', resolve, tsconfig: join(root, 'tsconfig.json') });
  await node.write({ file: join(outputFolder, 'sdk/node.mjs'), format: 'esm' });
  await node.close();
}

function copyBeside(root, outputFolder) {
  for (const name of readdirSync(join(root, 'packages'))) {
    const migrations = join(root, 'packages', name, 'src/migrations');
    if (existsSync(migrations)) {
      cpSync(migrations, join(outputFolder, 'migrations', name), {
        recursive: true,
        filter: (path) => statSync(path).isDirectory() || path.endsWith('.sql'),
      });
    }
  }
  const page = join(root, 'apps/dashboard/src/page');
  if (existsSync(page)) cpSync(page, join(outputFolder, 'page'), { recursive: true });
}

/** A hash over path, size and time of change of every source: quick, and a deleted file shows too. */
function fingerprint(root) {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(readFileSync(join(root, 'package-lock.json')));
  for (const group of ['packages', 'sdks', 'apps']) {
    for (const name of readdirSync(join(root, group)).sort()) addFolder(hash, root, join(root, group, name, 'src'));
  }
  return hash.digest('hex');
}

function addFolder(hash, root, folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) addFolder(hash, root, path);
    else if (!entry.name.endsWith('.test.ts')) {
      const { size, mtimeMs } = statSync(path);
      hash.update(`${relative(root, path)}:${size}:${mtimeMs}\n`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build(dirname(dirname(fileURLToPath(import.meta.url))));
}
