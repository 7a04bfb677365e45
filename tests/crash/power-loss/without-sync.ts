/** A fault to be found: with TIDEMARK_PLANT=no-sync LMDB acknowledges what it has not synced. Imported before the log is. */
import { createRequire } from 'node:module';

if (process.env['TIDEMARK_PLANT'] === 'no-sync') {
  const lmdb = createRequire(import.meta.url)('lmdb') as { open: (options: object) => unknown };
  const { open } = lmdb;
  lmdb.open = (options) => open({ ...options, noSync: true });
}
