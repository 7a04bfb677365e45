/** /api/jobs: what the engine does beside questions, its last rounds, and what waits for somebody to confirm it. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { adminOf, grantOf } from '../access.ts';
import type { ApiDeps, JobView } from '../deps.ts';
import { Problem } from '../problem.ts';
import { JobShape, toJob } from './shapes.ts';

const Jobs = Type.Object({ jobs: Type.Array(JobShape) });
const JobName = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) });
const Run = Type.Object(
  {
    confirm: Type.Optional(
      Type.Boolean({ description: 'Lets the job make the deletions that its last round held back, now and as long as their setting stands.' }),
    ),
  },
  { additionalProperties: false },
);

/** Shorter than a proxy's patience; a round that takes longer goes on, and GET /api/jobs tells how it ended. */
const WAIT_MS = 10_000;

const WHY = 'Jobs are about every project, so running one';
const tags = ['operations'];

export function jobRoutes(app: FastifyInstance, { jobs, control }: ApiDeps): void {
  app.route({
    method: 'GET',
    url: '/api/jobs',
    schema: {
      operationId: 'listJobs',
      summary: 'Jobs of the engine: last round, next round, errors, leases, deletions held back',
      tags,
      response: { 200: Jobs },
    },
    async handler(request): Promise<Static<typeof Jobs>> {
      const all = (await jobs?.list()) ?? [];
      return { jobs: all.map((job) => toJob(job, grantOf(request))) };
    },
  });

  app.route<{ Params: Static<typeof JobName>; Body: Static<typeof Run> | null }>({
    method: 'POST',
    url: '/api/jobs/:name/run',
    schema: {
      operationId: 'runJob',
      summary: 'Run a job now; takes an admin token',
      description: 'Waits up to 10 s for its end: 200 when it ended, 202 while it goes on.',
      tags,
      params: JobName,
      body: Type.Union([Run, Type.Null()]),
      response: { 200: JobShape, 202: JobShape },
    },
    async handler(request, reply): Promise<Static<typeof JobShape>> {
      const { project, actor } = adminOf(request, WHY);
      const { name } = request.params;
      const find = async (): Promise<JobView | undefined> => (await jobs?.list())?.find((job) => job.name === name);
      if (jobs === undefined || (await find()) === undefined) throw new Problem('job_not_found', `There is no job ${name}: GET /api/jobs lists them.`);
      if (request.body?.confirm === true) await control.jobs.confirm({ name, project, actor });
      const ended = await within(WAIT_MS, jobs.run(name));
      if (ended === 'elsewhere') throw new Problem('job_running', `Another engine runs ${name} just now: wait for its end, or until its lease lapses.`);
      const job = (await find())!;
      if (ended === 'ended' && job.heldBack.length > 0) throw new Problem('implausible_effect', job.lastError ?? 'It was held back.', { members: { job: toJob(job, grantOf(request)) } });
      reply.code(ended === 'ended' ? 200 : 202);
      return toJob(job, grantOf(request));
    },
  });
}

/** Undefined when `work` takes longer; it goes on. */
async function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
