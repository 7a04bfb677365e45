import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { clientAddress } from './client-address.ts';

function from(remoteAddress: string, forwarded?: string): IncomingMessage {
  return {
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage;
}

it('believes nobody but the socket unless told to', () => {
  expect(clientAddress(from('203.0.113.9', '6.6.6.6'), 0)).toBe('203.0.113.9');
  expect(clientAddress(from('::ffff:203.0.113.9'), 0)).toBe('203.0.113.9');
  expect(clientAddress(from('2001:db8::1'), 1)).toBe('2001:db8::1');
});

it('counts trusted proxies from the right, for anybody can write on the left', () => {
  const request = from('10.0.0.1', 'spoofed, 198.51.100.7, 10.0.0.2');
  expect(clientAddress(request, 1)).toBe('10.0.0.2');
  expect(clientAddress(request, 2)).toBe('198.51.100.7');
  expect(clientAddress(request, 9)).toBeUndefined();
});

it('takes ports, brackets and zones off, and gives nothing for what is no address', () => {
  for (const [text, address] of [
    ['198.51.100.7:5123', '198.51.100.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['unknown', undefined],
    ['<script>', undefined],
    ['', '10.0.0.1'],
  ] as const) {
    expect(clientAddress(from('10.0.0.1', text), 1), text).toBe(address);
  }
});
