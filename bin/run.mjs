// Gets the program ready (packages, then the bundle) and runs it in this very process.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string[]} args the words after `tidemark` */
export async function run(args) {
  try {
    ensureInstalled(root);
    const { ensureBuilt } = await import('./build.mjs');
    await ensureBuilt(root);
  } catch (error) {
    process.stderr.write(`tidemark: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const { main } = await import(pathToFileURL(join(root, 'dist', 'cli.mjs')).href);
  process.exitCode = await main(args);
}
