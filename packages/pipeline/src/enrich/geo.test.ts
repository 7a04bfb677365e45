import { expect, test } from 'vitest';
import { openGeo } from './geo.ts';

test('N2: the bundled database knows countries of IPv4 and IPv6, and private addresses have none', async () => {
  const countryOf = await openGeo();
  expect(countryOf('8.8.8.8')).toBe('US');
  expect(countryOf('::ffff:8.8.8.8')).toBe('US');
  expect(countryOf('2001:4860:4860::8888')).toBe('US');
  expect(countryOf('193.99.144.80')).toBe('DE');
  for (const address of ['127.0.0.1', '192.168.1.1', '::1', 'no address', '']) expect(countryOf(address)).toBe('');
});

test('a database that is not there is an error at start', async () => {
  await expect(openGeo('/nowhere/country.mmdb')).rejects.toThrow(/nowhere/);
});
