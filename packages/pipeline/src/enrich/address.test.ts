import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPrivateAddress, plainAddress, truncateAddress } from './address.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['0:0:0:0:0:FFFF:203.0.113.7', '203.0.113.7'],
  ['2001:DB8::1', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['localhost', ''],
  ['', ''],
  ['203.0.113', ''],
  ['203.0.113.7:80', ''],
  ['[::1]', ''],
  ['1.2.3.4, 5.6.7.8', ''],
  ['01.2.3.4', ''],
])('%s is the address %j', (text, address) => expect(plainAddress(text)).toBe(address));

test('N1: a truncated address names a network: 24 bits of IPv4, 48 of IPv6', () => {
  expect(truncateAddress('203.0.113.7')).toBe('203.0.113.0');
  expect(truncateAddress('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1::');
  expect(truncateAddress('2001:db8::6')).toBe('2001:db8::');
  expect(truncateAddress('2001:0db8:0001::')).toBe('2001:db8:1::');
  expect(truncateAddress('::1')).toBe('::');
  expect(truncateAddress('1::2:3:4:5:6:7')).toBe('1:0:2::');
  expect(truncateAddress('64:ff9b::1.2.3.4')).toBe('64:ff9b::');
  expect(truncateAddress('x')).toBe('');
});

test('N1: all addresses of one network are truncated alike, and stay so', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(255), (address, last) => {
      const other = `${address.slice(0, address.lastIndexOf('.'))}.${last}`;
      expect(truncateAddress(other)).toBe(truncateAddress(address));
      expect(truncateAddress(truncateAddress(address))).toBe(truncateAddress(address));
    }),
  );
  const group = fc.nat(0xffff).map((value) => value.toString(16));
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.array(group, { minLength: 5, maxLength: 5 }),
      (groups, rest) => {
        const network = truncateAddress(groups.join(':'));
        expect(truncateAddress([...groups.slice(0, 3), ...rest].join(':'))).toBe(network);
        expect(truncateAddress(network)).toBe(network);
        expect(plainAddress(network)).toBe(network);
      },
    ),
  );
});

test('N2: private addresses', () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'ff02::1',
  ]) {
    expect(isPrivateAddress(address), address).toBe(true);
  }
  for (const address of [
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '2001:4860:4860::8888',
  ]) {
    expect(isPrivateAddress(address), address).toBe(false);
  }
});
