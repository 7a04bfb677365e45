import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import { Problem } from '../problem.ts';
import type { AdminDeps } from './deps.ts';
import { administratorOf, ProjectId } from './own-project.ts';
import {
  Name,
  NewApiTokenShape,
  ProjectShape,
  SourceShape,
  toNewApiToken,
  toProject,
  toSource,
  toWriteKey,
  WriteKeyShape,
} from './shapes.ts';

const Naming = Type.Object({ name: Name }, { additionalProperties: false });
const Projects = Type.Object({
  current: Type.String({ description: 'Id of the project that the token belongs to.' }),
  projects: Type.Array(ProjectShape),
});
const NewProject = Type.Object({
  project: ProjectShape,
  source: SourceShape,
  key: WriteKeyShape,
  token: NewApiTokenShape,
});
const Deleting = Type.Object({ status: Type.Literal('deleting') });

const tags = ['administration'];

export function projectRoutes(app: FastifyInstance, { control }: AdminDeps): void {
  app.route({
    method: 'GET',
    url: '/api/projects',
    schema: {
      operationId: 'listProjects',
      summary: 'The project of the token; for an admin token, all projects',
      tags,
      response: { 200: Projects },
    },
    async handler(request): Promise<Static<typeof Projects>> {
      const grant = grantOf(request);
      const projects = await control.projects.list();
      const shown = projects.filter(({ id }) => grant.admin || id === grant.project);
      return { current: grant.project, projects: shown.map(toProject) };
    },
  });

  app.route<{ Body: Static<typeof Naming> }>({
    method: 'POST',
    url: '/api/projects',
    schema: {
      operationId: 'createProject',
      summary: 'Make a project, with a source, a write key and an API token of its own; takes an admin token',
      tags,
      body: Naming,
      response: { 201: NewProject },
    },
    async handler(request, reply): Promise<Static<typeof NewProject>> {
      const grant = grantOf(request);
      if (!grant.admin)
        throw new Problem('forbidden', 'Making a project takes an admin token: the first start prints one.');
      const made = await control.projects.create({ name: request.body.name, actor: grant.tokenId });
      reply.code(201).headers({ location: `/api/projects/${made.project.id}`, 'cache-control': 'no-store' });
      return {
        project: toProject(made.project),
        source: toSource(made.source),
        key: toWriteKey(made.key),
        token: toNewApiToken(made.token),
      };
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/projects/:id',
    schema: {
      operationId: 'getProject',
      summary: 'One project',
      tags,
      params: ProjectId,
      response: { 200: ProjectShape },
    },
    async handler(request): Promise<Static<typeof ProjectShape>> {
      const { project } = administratorOf(request);
      const found = await control.projects.find(project);
      if (found) return toProject(found);
      // Deleted since the token was looked at.
      throw new Problem('project_not_found', `There is no project ${project}: it was deleted.`);
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof Naming> }>({
    method: 'PUT',
    url: '/api/projects/:id',
    schema: {
      operationId: 'renameProject',
      summary: 'Rename a project',
      tags,
      params: ProjectId,
      body: Naming,
      response: { 200: ProjectShape },
    },
    async handler(request): Promise<Static<typeof ProjectShape>> {
      const { project, actor } = administratorOf(request);
      return toProject(await control.projects.rename({ id: project, name: request.body.name, actor }));
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/api/projects/:id',
    schema: {
      operationId: 'deleteProject',
      summary: 'Delete a project and all its events; takes a token of the project, or an admin token',
      description: 'Its keys and tokens stop working within two seconds; its events are then removed from every store.',
      tags,
      params: ProjectId,
      response: { 202: Deleting },
    },
    async handler(request, reply): Promise<Static<typeof Deleting>> {
      const grant = grantOf(request);
      const project = grant.admin ? request.params.id : administratorOf(request).project;
      await control.projects.delete({ id: project, actor: grant.tokenId });
      reply.code(202);
      return { status: 'deleting' };
    },
  });
}
