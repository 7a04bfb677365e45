import { expect, test } from 'vitest';
import { failure, temporaryControl, temporaryControlPath, withProject } from './testing.ts';

test('decisions are added, never changed, in one order of a pair, with who and why; each list has them all', async () => {
  const { control, project } = await withProject();
  expect(await control.identities.list(project)).toEqual([]);
  const [cut] = await control.identities.decide({ project, verdict: 'cut', pairs: [['ub', 'aa']], reason: 'a kiosk', actor: 't1' });
  expect(cut).toMatchObject({ verdict: 'cut', a: 'aa', b: 'ub', reason: 'a kiosk', madeBy: 't1' });
  expect(await control.identities.list(project)).toEqual([cut]);
  const merged = await control.identities.decide({ project, verdict: 'merge', pairs: [['aa', 'ub'], ['uc', 'ub']], reason: '', actor: 't2' });
  expect(await control.identities.list(project)).toEqual([cut, ...merged]);
  expect(merged.map(({ id }) => id).every((id) => id > (cut?.id ?? Infinity))).toBe(true);
  const actions = (await control.audit.list(project)).map(({ action }) => action);
  expect(actions).toEqual(expect.arrayContaining(['identity.cut', 'identity.merge']));
});

test('a list has at once what another process decided', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project } = await control.ensureFirstProject();
  const beside = await temporaryControl({ path });
  for (const pair of [['aa', 'ub'], ['ab', 'ub']] as const) {
    await control.identities.list(project);
    const made = await beside.identities.decide({ project, verdict: 'merge', pairs: [pair], reason: '', actor: 't1' });
    expect((await control.identities.list(project)).slice(-1)).toEqual(made);
  }
});

test('all pairs are decided or none, and only in a project that lives', async () => {
  const { control, project } = await withProject();
  const pairs = [['ua', 'ub'], ['ua', 'ua']] as const;
  await failure(control.identities.decide({ project, verdict: 'merge', pairs, reason: '', actor: 't1' }));
  expect(await control.identities.list(project)).toEqual([]);
  expect(await failure(control.identities.decide({ project: 'gone', verdict: 'merge', pairs: [['ua', 'ub']], reason: '', actor: 't1' }))).toMatchObject({ code: 'project_not_found' });
});
