import { AnswerCache } from '@tidemark/analytics';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start({
    caching: { answers: new AnswerCache({ minElapsedMs: 0 }), decisions: (project) => engine.control.audit.last(project), changes: () => engine.processor.identityChanges() },
  });
  await engine.collect([{ eventId: 'a1', eventName: 'view', userId: 'ada' }]);
  await engine.settled();
});
afterAll(() => engine.stop());

const question = { series: [{ event: 'view', measure: 'users' }], range: 'today' };
const asked = async (more: object = {}): Promise<[total: number, cached: boolean | undefined]> => {
  const { series, meta } = (await engine.call('POST', '/api/analytics/trend', { ...question, ...more })).json();
  return [series[0].total, meta.cached];
};

it('an answer serves who asks the same within ten seconds, unless it is to be anew', async () => {
  expect(await asked()).toEqual([1, undefined]);
  expect(await asked()).toEqual([1, true]);
  const receivedAt = await engine.collect([{ eventId: 'b1', eventName: 'view', userId: 'bob' }]);
  await engine.settled();
  expect(await asked()).toEqual([1, true]);
  expect(await asked({ cache: false })).toEqual([2, undefined]);
  expect(await asked({ waitFor: receivedAt })).toEqual([2, true]);
});

it('shows at once what people change, and serves a saved question as the question, with its SQL (rule V7)', async () => {
  await engine.call('POST', '/api/identities/merge', { ids: [{ userId: 'ada' }, { userId: 'bob' }], reason: 'one person' });
  expect(await asked()).toEqual([1, undefined]);
  await engine.call('PUT', '/api/questions/trend/viewers', question);
  expect(await asked()).toEqual([1, undefined]);
  const byName = async (more = ''): Promise<unknown> => (await engine.call('GET', `/api/analytics/trend?name=viewers${more}`)).json().meta;
  expect(await byName()).toMatchObject({ cached: true, question: { name: 'viewers', version: 1 }, sql: expect.stringContaining('SELECT') });
  expect(await byName('&cache=false')).not.toHaveProperty('cached');
});

it('a wrong question is refused, and computed again', async () => {
  for (let i = 0; i < 2; i++) {
    const answer = await engine.call('POST', '/api/analytics/trend', { ...question, where: [{ property: 'price', op: 'is_set' }] });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'unknown_property']);
  }
  expect((await engine.call('POST', '/api/analytics/trend', { ...question, cache: 'no' })).json()).toMatchObject({ code: 'invalid_type', field: 'cache' });
});
