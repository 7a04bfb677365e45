/** Builds the file layer (shim/, C) and tells how a process is started over it. See README.md. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('shim/', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'];

export interface FileLayer {
  /** The shared library for LD_PRELOAD. */
  library: string;
}

/** The layer, built in a temporary folder that goes with this process; or a sentence why there can be none here. */
export function compileFileLayer(): FileLayer | { unavailable: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { unavailable: `the file layer is for Linux on x64, and this is ${process.platform} on ${process.arch}.` };
  }
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  if (header.glibcVersionRuntime === undefined) return { unavailable: 'the file layer needs glibc, which this system has not.' };
  const compiler = COMPILERS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (compiler === undefined) return { unavailable: `the file layer needs a C compiler (${COMPILERS.join(', ')}), and none is installed.` };
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-file-layer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const library = join(folder, 'layer.so');
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c')).map((name) => join(SOURCES, name));
  const built = spawnSync(compiler, ['-std=gnu11', '-O2', '-Wall', '-fPIC', '-shared', '-o', library, ...sources, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${compiler} could not build the file layer:\n${built.stderr}`);
  return { library };
}

/**
 * Environment of a process whose changes below `root` (a folder that exists) are written to the file `journal`, or fail
 * as the file `faults` says; each may be left out. Children inherit it.
 */
export function fileLayerEnv(layer: FileLayer, { root, journal, faults }: { root: string; journal?: string; faults?: string }): Record<string, string> {
  return {
    LD_PRELOAD: layer.library,
    TIDEMARK_LAYER_ROOT: realpathSync(root),
    TIDEMARK_LAYER_JOURNAL: journal ?? '',
    TIDEMARK_LAYER_FAULTS: faults ?? '',
    // What goes through io_uring goes past the libc.
    UV_USE_IO_URING: '0',
  };
}
