import { expect, it } from 'vitest';
import { createTidemark } from './index.ts';

it('is inert without a usable write key and host, and says why: the host goes on', async () => {
  for (const options of [
    {},
    { writeKey: 'k' },
    { writeKey: 'k', host: 'no address' },
    { host: 'http://127.0.0.1:9', writeKey: '' },
  ]) {
    const said: string[] = [];
    const client = createTidemark({
      ...options,
      spoolPath: '/nowhere',
      debug: (sentence: string) => said.push(sentence),
    } as never);
    expect(await client.track({ eventName: 'a', userId: 'u1' })).toBe('refused');
    expect(await client.flush()).toBe(true);
    expect(await client.close()).toEqual({ left: 0 });
    expect(said).toEqual([expect.stringMatching(/^invalid: (host|writeKey) must be/)]);
  }
});
