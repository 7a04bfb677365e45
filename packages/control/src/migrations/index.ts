import { sql as projects } from './001-projects.ts';

/** In order; the schema's version is the number of migrations applied. Never edit one that was released: add one. */
export const migrations: readonly string[] = [projects];
