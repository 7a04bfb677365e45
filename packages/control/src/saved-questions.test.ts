import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { failure, temporaryControl, temporaryControlPath, withProject } from './testing.ts';

const actor = 'test';

test('questions keep their versions, and the newest answers', async () => {
  const { control, project } = await withProject();
  const name = { project, kind: 'funnel', name: 'checkout' };
  expect(await failure(control.questions.get(name))).toMatchObject({ code: 'unknown_question' });
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
  expect(await failure(control.questions.versions(name))).toMatchObject({ code: 'unknown_question' });
  expect(await control.questions.save({ ...name, body: {}, ifVersion: 0, actor })).toMatchObject({ version: 3, isNew: true });
  // Those of before the deletion stay hidden.
  expect(await failure(control.questions.get({ ...name, version: 2 }))).toMatchObject({ code: 'unknown_version', field: 'version', message: expect.stringContaining('version 3 alone') });
  await control.questions.save({ ...name, body: { limit: 4 }, actor });
  expect(await failure(control.questions.get({ ...name, version: 99 }))).toMatchObject({ code: 'unknown_version', message: expect.stringContaining('versions 3 to 4') });
  expect(await failure(control.questions.get({ ...name, name: 'nobody', version: 1 }))).toMatchObject({ code: 'unknown_question', field: 'name' });
});

test('the same question again makes no version, whatever its order of keys', async () => {
  const { control, project } = await withProject();
  const name = { project, kind: 'trend', name: 'A', actor };
  expect(await control.questions.save({ ...name, body: { series: [{ event: 'x', label: 'y' }], limit: 1 } })).toMatchObject({ version: 1, isNew: true });
  expect(await control.questions.save({ ...name, body: { limit: 1, series: [{ label: 'y', event: 'x' }] } })).toMatchObject({ version: 1, isNew: false });
  expect(await control.questions.save({ ...name, body: { limit: 2, series: [] } })).toMatchObject({ version: 2, isNew: false });
  // An old one is restored by putting it again.
  expect(await control.questions.save({ ...name, body: { limit: 1, series: [{ label: 'y', event: 'x' }] } })).toMatchObject({ version: 3 });
});

test('a project has 10,000 of them, of all kinds together', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project } = await control.ensureFirstProject();
  const save = (name: string) => control.questions.save({ project, kind: 'trend', name, body: {}, actor });
  await save('last');
  const { db: beside } = openDatabase(path);
  const rows = Array.from({ length: 9_998 }, (_, i) => ({ project, kind: i % 2 === 0 ? 'funnel' : 'trend', name: `n${i}`, version: 1, body: '{}', created_at_ms: 0, created_by: actor }));
  for (let i = 0; i < rows.length; i += 1_000) await beside.insertInto('saved_questions').values(rows.slice(i, i + 1_000)).execute();
  await beside.destroy();
  expect(await save('one more')).toMatchObject({ isNew: true });
  expect(await failure(save('too many'))).toMatchObject({ code: 'too_many_questions', field: 'name' });
  // What there is may change, and what is deleted makes room.
  expect(await control.questions.save({ project, kind: 'trend', name: 'last', body: { limit: 1 }, actor })).toMatchObject({ version: 2 });
  await control.questions.delete({ project, kind: 'trend', name: 'last', actor });
  expect(await save('too many')).toMatchObject({ isNew: true });
});

test('names are 1 to 200 characters, told apart by each', async () => {
  const { control, project } = await withProject();
  for (const name of ['a', 'A', ' a', '😀'.repeat(100), "'; --", '__proto__', '../..', '%2F']) {
    expect(await control.questions.save({ project, kind: 'trend', name, body: { name }, actor })).toMatchObject({ version: 1, isNew: true });
    expect(await control.questions.get({ project, kind: 'trend', name })).toMatchObject({ name, body: { name } });
  }
  for (const name of ['', 'x'.repeat(201), 'a\0b', 'a\nb', '\u0085']) {
    expect(await failure(control.questions.save({ project, kind: 'trend', name, body: {}, actor }))).toMatchObject({ code: 'illegal_name', field: 'name' });
  }
});
