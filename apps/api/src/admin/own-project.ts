import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { grantOf } from '../access.ts';
import { Problem } from '../problem.ts';

export const ProjectId = Type.Object({ id: Type.String({ minLength: 1, description: 'Id of the project.' }) });

/** Who makes a change, and in which project. */
export interface Administrator {
  project: string;
  /** Id of the API token, for the audit log. */
  actor: string;
}

/**
 * The caller as administrator of the project in the path, which must be the token's own. Others are not even told
 * whether a project exists, but for admins, who may list them.
 */
export function administratorOf(request: FastifyRequest): Administrator {
  const { id } = request.params as { id: string };
  const grant = grantOf(request);
  if (grant.project === id) return { project: id, actor: grant.tokenId };
  if (grant.admin) {
    throw new Problem('forbidden', `Use an API token of project ${id}: this one belongs to project ${grant.project}.`);
  }
  throw new Problem('project_not_found', `There is no project ${id} for this token: GET /api/projects lists its own.`);
}
