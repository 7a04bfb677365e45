import { describe, expect, it } from 'vitest';
import { engineSocketPathOf, readSettings } from './settings.ts';

describe('settings', () => {
  it('are those of the contract when nothing is said', () => {
    expect(readSettings({}, {})).toMatchObject({
      host: '127.0.0.1',
      port: 7070,
      rateLimits: true,
      trustProxy: false,
      logLevel: 'warn',
    });
    expect(readSettings({}, {}).dataPath).toBe(`${process.cwd()}/data`);
  });

  it('come from flags before the environment, and an empty variable says nothing', () => {
    const env = {
      TIDEMARK_HOST: '0.0.0.0',
      TIDEMARK_PORT: '8080',
      TIDEMARK_DATA: '/srv/a',
      TIDEMARK_RATE_LIMIT: 'off',
    };
    expect(readSettings({}, env)).toMatchObject({ host: '0.0.0.0', port: 8080, dataPath: '/srv/a', rateLimits: false });
    expect(readSettings({ port: '9', host: '::1', data: '/srv/b' }, env)).toMatchObject({
      host: '::1',
      port: 9,
      dataPath: '/srv/b',
    });
    expect(readSettings({}, { TIDEMARK_PORT: '', TIDEMARK_RATE_LIMIT: '' })).toMatchObject({
      port: 7070,
      rateLimits: true,
    });
  });

  it.each([{ port: '65536' }, { port: '-1' }, { port: '7e3' }, { port: 'http' }, { 'log-level': 'loud' }])(
    'refuse %o',
    (flags) => {
      expect(() => readSettings(flags, {})).toThrow(expect.objectContaining({ code: 'setting_invalid' }) as Error);
    },
  );

  it('say how much a question may take', () => {
    expect(readSettings({}, {}).questionLimits).toEqual({});
    expect(readSettings({}, { TIDEMARK_QUESTION_MEMORY_MB: '4000', TIDEMARK_QUESTION_TIMEOUT_SECONDS: '120' }).questionLimits).toEqual({ memoryBytes: 4e9, timeoutMs: 120_000 });
    expect(() => readSettings({}, { TIDEMARK_QUESTION_MEMORY_MB: '0' })).toThrow(/TIDEMARK_QUESTION_MEMORY_MB is '0'/);
    expect(() => readSettings({}, { TIDEMARK_QUESTION_TIMEOUT_SECONDS: '1m' })).toThrow(/TIDEMARK_QUESTION_TIMEOUT_SECONDS is '1m'/);
  });

  it('refuse a switch that is neither on nor off', () => {
    expect(() => readSettings({}, { TIDEMARK_RATE_LIMIT: '0' })).toThrow(/'on' or 'off'/);
  });
});

describe('the socket of the engine', () => {
  it('lies in the data folder, or elsewhere when its path would be too long for a socket', () => {
    expect(engineSocketPathOf('/srv/data')).toBe('/srv/data/run/engine.sock');
    const far = engineSocketPathOf(`/srv/${'x'.repeat(100)}`);
    expect(Buffer.byteLength(far)).toBeLessThanOrEqual(103);
    expect(far).not.toBe(engineSocketPathOf(`/srv/${'y'.repeat(100)}`));
  });
});
