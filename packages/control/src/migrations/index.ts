import { sql as projects } from './001-projects.ts';
import { sql as valves } from './002-valves.ts';

/** In order; the schema's version is the number of migrations applied. Never edit one that was released: add one. */
export const migrations: readonly string[] = [projects, valves];
