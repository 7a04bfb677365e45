import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure, withProject } from './testing.ts';

const actor = 'test';

test('a source id is made from its name, and can be taken up again after a deletion', async () => {
  const { control, project } = await withProject();
  expect(await control.sources.create({ project, name: ' Shöp (Web) ', actor })).toMatchObject({
    id: 'sho-p-web',
    name: 'Shöp (Web)',
  });
  expect(await control.sources.create({ project, name: '商店', actor })).toMatchObject({ id: 'source' });
  expect(await failure(control.sources.create({ project, id: 'default', name: 'x', actor }))).toMatchObject({
    code: 'source_exists',
  });
  expect(await failure(control.sources.create({ project, id: '../x', name: 'x', actor }))).toMatchObject({
    code: 'illegal_name',
    field: 'id',
  });
  await control.sources.delete({ project, id: 'source', actor });
  expect(await control.sources.create({ project, id: 'source', name: 'Again', actor })).toMatchObject({
    name: 'Again',
  });
});

test('a made source id is always a legal one', async () => {
  const { control, project } = await withProject();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), async (name) => {
      fc.pre(name.trim().length >= 1 && name.trim().length <= 100);
      const { id } = await control.sources.create({ project, name, actor });
      expect(id).toMatch(/^[a-z0-9][a-z0-9_-]{0,62}$/);
      await control.sources.delete({ project, id, actor });
    }),
  );
});
