/** Programs of tests, built from the sources, as Node alone does not run these; and tables that are there at once. */
import { bundleProgram } from './testing/bundle-program.ts';

export { bundleProgram, cacheFolder } from './testing/bundle-program.ts';
export { openMigrated } from './testing/open-migrated.ts';

/** Resolves to the path of the program of SQL queries. */
export function buildQueryProgram(): Promise<string> {
  return bundleProgram(new URL('./testing/sql-process.ts', import.meta.url));
}
