import { expect, test } from 'vitest';
import { withProject } from './testing.ts';

test('each change stands in the audit log with who made it, newest first, page by page', async () => {
  const { control, project } = await withProject();
  await control.projects.rename({ id: project, name: 'Shop', actor: 't123' });
  const [renamed, ...older] = await control.audit.list(project);
  expect(renamed).toMatchObject({
    actor: 't123',
    action: 'project.rename',
    subject: project,
    detail: { name: 'Shop' },
  });
  expect(older.map(({ action }) => action)).toEqual(['token.create', 'key.create', 'source.create', 'project.create']);
  expect(await control.audit.list(project, { before: renamed?.id as number, limit: 2 })).toEqual(older.slice(0, 2));
});
