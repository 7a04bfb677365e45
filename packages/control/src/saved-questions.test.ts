import { expect, test } from 'vitest';
import { failure, withProject } from './testing.ts';

const actor = 'test';

test('questions keep their versions, and the newest answers', async () => {
  const { control, project } = await withProject();
  const name = { project, kind: 'funnel', name: 'checkout' };
  expect(await failure(control.questions.get(name))).toMatchObject({ code: 'question_not_found' });
  await control.questions.save({ ...name, body: { steps: [1] }, ifVersion: 0, actor });
  await control.questions.save({ ...name, body: { steps: [2] }, actor });
  expect(await failure(control.questions.save({ ...name, body: {}, ifVersion: 1, actor }))).toMatchObject({
    code: 'version_conflict',
  });
  expect(await control.questions.get(name)).toMatchObject({ version: 2, body: { steps: [2] }, createdBy: actor });
  expect(await control.questions.get({ ...name, version: 1 })).toMatchObject({ body: { steps: [1] } });
  await control.questions.save({ project, kind: 'trend', name: 'checkout', body: {}, actor });
  expect((await control.questions.list(project)).map(({ kind, version }) => [kind, version])).toEqual([
    ['funnel', 2],
    ['trend', 1],
  ]);
  expect(await control.questions.list(project, 'trend')).toHaveLength(1);
  expect((await control.questions.versions(name)).map(({ version }) => version)).toEqual([2, 1]);

  await control.questions.delete({ ...name, actor });
  expect(await failure(control.questions.versions(name))).toMatchObject({ code: 'question_not_found' });
  expect(await control.questions.save({ ...name, body: {}, ifVersion: 0, actor })).toMatchObject({ version: 3 });
});
