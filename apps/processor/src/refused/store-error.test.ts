import { expect, it } from 'vitest';
import { WarehouseError } from '@tidemark/warehouse';
import { mayBeAboutRows } from './store-error.ts';

it('suspects the rows only of what ClickHouse says of data', () => {
  expect(mayBeAboutRows(new WarehouseError('Cannot parse JSON object here: {broken', 117))).toBe(true);
  expect(mayBeAboutRows(new WarehouseError('(total) memory limit exceeded', 241))).toBe(false);
  expect(mayBeAboutRows(new WarehouseError('Cannot reserve 1.00 MiB, not enough space', 243))).toBe(false);
  expect(mayBeAboutRows(new WarehouseError('connection lost', 0))).toBe(false);
  expect(mayBeAboutRows(new WarehouseError("Checksum doesn't match: corrupted data", 40))).toBe(false);
  expect(mayBeAboutRows(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))).toBe(false);
  const full = 'std::exception. Code: 1001, type: std::__1::__fs::filesystem::filesystem_error, e.what() = No space left on device';
  expect(mayBeAboutRows(new WarehouseError(full, 1001))).toBe(false);
});

it('is not deceived by a row that is quoted in the message', () => {
  expect(mayBeAboutRows(new WarehouseError('Cannot parse JSON object here: {errno: 28, strerror: No space left on device', 117))).toBe(true);
  const quoting = 'std::exception. Code: 1001, type: std::out_of_range, e.what() = {type: std::bad_alloc';
  expect(mayBeAboutRows(new WarehouseError(quoting, 1001))).toBe(true);
});
