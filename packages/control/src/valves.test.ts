import { expect, onTestFinished, test } from 'vitest';
import { openKeyDirectory } from './key-directory.ts';
import { failure, temporaryControl, temporaryControlPath } from './testing.ts';

async function withValves() {
  const path = temporaryControlPath();
  const clock = { nowMs: 1_000_000 };
  const control = await temporaryControl({ path, clock: () => clock.nowMs });
  const { project, writeKey } = await control.ensureFirstProject();
  const directory = await openKeyDirectory(path, { pollMs: 5 });
  onTestFinished(() => directory.close());
  const own = { project, actor: 't1' };
  return { control, clock, own, rules: () => directory.find(writeKey as string)?.valves };
}

test('a valve reaches the directory, changes, and goes; each step stands in the audit log', async () => {
  const { control, own, rules } = await withValves();
  expect(rules()).toBeUndefined();
  const made = await control.valves.create({ ...own, appVersion: '9.9.9', eventName: 'purchase', action: 'quarantine', reason: 'JIRA-1' });
  expect(made).toMatchObject({ appVersion: '9.9.9', eventName: 'purchase', source: null, ratio: 1, createdBy: 't1', expiresAtMs: null });
  const { id } = made;
  await expect.poll(rules).toEqual([{ id, appVersion: '9.9.9', eventName: 'purchase', action: 'quarantine', ratio: 1 }]);

  const changes = { ratio: 0.25, action: 'drop', expiresAtMs: 2_000_000 } as const;
  expect(await control.valves.set({ ...own, id, changes })).toEqual({ ...made, ...changes });
  await expect.poll(rules).toEqual([
    { id, appVersion: '9.9.9', eventName: 'purchase', action: 'drop', ratio: 0.25, expiresAtMs: 2_000_000 },
  ]);
  await control.valves.set({ ...own, id, changes: { expiresAtMs: null } });
  await expect.poll(() => rules()?.[0]).not.toHaveProperty('expiresAtMs');

  await control.valves.remove({ ...own, id });
  await expect.poll(rules).toBeUndefined();
  expect(await control.valves.list(own.project)).toEqual([]);
  expect(await failure(control.valves.remove({ ...own, id }))).toMatchObject({ code: 'valve_not_found' });
  const audit = await control.audit.list(own.project, { limit: 4 });
  expect(audit.map(({ action }) => action)).toEqual(['valve.remove', 'valve.set', 'valve.set', 'valve.create']);
  expect(audit[3]).toMatchObject({ actor: 't1', subject: id, detail: { appVersion: '9.9.9', reason: 'JIRA-1' } });
});

test('a valve of one source concerns the keys of that source, oldest first, and no other project', async () => {
  const { control, own, rules } = await withValves();
  await control.sources.create({ ...own, id: 'app', name: 'App' });
  const elsewhere = await control.projects.create({ name: 'Other', actor: 'test' });
  await control.valves.create({ project: elsewhere.project.id, actor: 't2', appVersion: '1', action: 'drop' });
  const first = await control.valves.create({ ...own, appVersion: '1', action: 'drop' });
  await control.valves.create({ ...own, source: 'app', action: 'drop' });
  const last = await control.valves.create({ ...own, source: 'default', eventName: 'x', action: 'drop' });
  await expect.poll(() => rules()?.map(({ id }) => id)).toEqual([first.id, last.id].toSorted((a, b) => (a < b ? -1 : 1)));
});

test.each([
  [{}, 'appVersion'],
  [{ appVersion: '' }, 'appVersion'],
  [{ appVersion: '\ud800' }, 'appVersion'],
  [{ eventName: 'x'.repeat(301) }, 'eventName'],
  [{ appVersion: '1', ratio: 1.01 }, 'ratio'],
  [{ appVersion: '1', ratio: Number.NaN }, 'ratio'],
  [{ appVersion: '1', expiresAtMs: 1_000_000 }, 'expiresAt'],
  [{ appVersion: '1', reason: 'x'.repeat(501) }, 'reason'],
])('%j is no valve', async (valve, field) => {
  const { control, own } = await withValves();
  expect(await failure(control.valves.create({ ...own, action: 'drop', ...valve }))).toMatchObject({ code: 'illegal_valve', field });
  expect(await control.valves.list(own.project)).toEqual([]);
});

test('a source must be there, and a hundred valves are enough', async () => {
  const { control, own } = await withValves();
  expect(await failure(control.valves.create({ ...own, source: 'nowhere', action: 'drop' }))).toMatchObject({ code: 'source_not_found' });
  for (let n = 0; n < 100; n++) await control.valves.create({ ...own, appVersion: `${n}`, action: 'drop' });
  expect(await failure(control.valves.create({ ...own, appVersion: 'x', action: 'drop' }))).toMatchObject({ code: 'too_many_valves' });
});
