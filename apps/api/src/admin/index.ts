/** Administration: projects and what is in them. Every change stands in the audit log with the token that made it. */
import type { FastifyInstance } from 'fastify';
import { auditRoutes } from './audit.ts';
import type { AdminDeps } from './deps.ts';
import { keyRoutes } from './keys.ts';
import { projectRoutes } from './projects.ts';
import { settingsRoutes } from './settings.ts';
import { sourceRoutes } from './sources.ts';
import { tokenRoutes } from './tokens.ts';

/** Adds the routes below /api/projects. `guardAccess` must have been called on `app`. */
export function adminRoutes(app: FastifyInstance, deps: AdminDeps): void {
  projectRoutes(app, deps);
  settingsRoutes(app, deps);
  sourceRoutes(app, deps);
  keyRoutes(app, deps);
  tokenRoutes(app, deps);
  auditRoutes(app, deps);
}
