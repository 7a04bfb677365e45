import { expect, test } from 'vitest';
import { failure, temporaryControl, temporaryControlPath } from './testing.ts';

const actor = 'test';

test('a deleted project is shut at once and purged until that succeeds', async () => {
  const path = temporaryControlPath();
  const purged: string[] = [];
  const errors: unknown[] = [];
  let broken = true;
  const purge = async (project: string): Promise<void> => {
    if (broken) throw new Error('disk full');
    purged.push(project);
  };
  const control = await temporaryControl({ path, purge, onError: (error) => errors.push(error) });
  await control.ensureFirstProject();
  const demo = await control.projects.create({ name: 'Demo', actor });
  await control.projects.delete({ id: demo.project.id, actor });
  expect(await control.authenticateToken(demo.token.secret)).toBeUndefined();
  expect(await failure(control.settings.get(demo.project.id))).toMatchObject({ code: 'project_not_found' });
  expect((await control.projects.list()).map(({ id }) => id)).not.toContain(demo.project.id);
  await expect.poll(() => errors).toHaveLength(1);

  broken = false;
  const restarted = await temporaryControl({ path, purge });
  await restarted.projects.purgeDeleted();
  await restarted.projects.purgeDeleted();
  expect(purged).toEqual([demo.project.id]);
});
