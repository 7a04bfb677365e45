import type { RebuildView } from '@tidemark/processor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestEngine } from '../testing/engine.ts';
import type { RebuildPort } from './port.ts';

/** A rebuild that is told when to end. */
class Rebuilds implements RebuildPort {
  last: RebuildView | undefined;
  refuse: { code: string; message: string } | undefined;
  async begin({ fromMs, event }: Parameters<RebuildPort['begin']>[0]): Promise<RebuildView> {
    if (this.refuse !== undefined) throw Object.assign(new Error(this.refuse.message), { code: this.refuse.code });
    return (this.last = { state: 'running', phase: 'copying', scope: { ...(fromMs === undefined ? {} : { fromMs }), ...(event === undefined ? {} : { event }) }, partitions: null, startedAtMs: 0, endedAtMs: undefined, rows: 3, totalRows: 10, secondsLeft: 7, error: undefined });
  }
  view(): RebuildView | undefined {
    return this.last;
  }
  async cancel(): Promise<boolean> {
    if (this.last?.state !== 'running') return false;
    this.last = { ...this.last, state: 'cancelled', phase: undefined, endedAtMs: 5_000 };
    return true;
  }
}

const rebuilds = new Rebuilds();
let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start({ rebuilds }, { processing: false });
});
afterAll(() => engine.stop());

it('is begun, told of, cancelled and noted, by an admin token', async () => {
  expect((await engine.call('GET', '/api/rebuild')).json()).toMatchObject({ state: 'none', startedAt: null });
  expect((await engine.call('DELETE', '/api/rebuild')).json()).toMatchObject({ code: 'rebuild_not_running' });
  const begun = await engine.call('POST', '/api/rebuild', { from: '2026-01-01T00:00:00Z', event: 'order' });
  expect(begun.statusCode).toBe(202);
  const shown = { state: 'running', phase: 'copying', from: '2026-01-01T00:00:00.000Z', to: null, event: 'order', months: null, rows: 3, totalRows: 10, secondsLeft: 7 };
  expect(begun.json()).toMatchObject(shown);
  expect((await engine.call('GET', '/api/rebuild')).json()).toMatchObject(shown);
  expect((await engine.call('DELETE', '/api/rebuild')).json()).toMatchObject({ state: 'cancelled', endedAt: '1970-01-01T00:00:05.000Z' });
  expect((await engine.control.audit.list(engine.project, { limit: 2 })).map(({ action }) => action)).toEqual(['rebuild.cancel', 'rebuild.begin']);
  const { secret } = await engine.control.tokens.create({ project: engine.project, name: 'Reader', actor: 't' });
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    expect((await engine.call(method, '/api/rebuild', undefined, { authorization: `Bearer ${secret}` })).json(), method).toMatchObject({ code: 'forbidden' });
  }
});

it.each([
  [{ from: 'yesterday' }, 'invalid_time', 'from'],
  [{ to: '2026-13-01T00:00:00Z' }, 'invalid_time', 'to'],
  [{ from: '2026-02-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }, 'empty_range', 'to'],
  [{ event: '' }, 'invalid_value', 'event'],
  [{ until: 'x' }, 'unknown_field', 'until'],
])('%j is refused: %s', async (body, code, field) => {
  expect((await engine.call('POST', '/api/rebuild', body)).json()).toMatchObject({ code, field });
});

it.each([
  ['rebuild_running', 409],
  ['rebuild_no_room', 507],
  ['rebuild_nothing', 404],
])('%s is answered %i, in the words of the one that refuses', async (code, status) => {
  rebuilds.refuse = { code, message: 'Because.' };
  const answer = await engine.call('POST', '/api/rebuild');
  expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ code, detail: 'Because.' })]);
});
