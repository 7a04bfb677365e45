import { WarehouseError } from '@tidemark/warehouse';

/**
 * ClickHouse's error numbers that speak of the machine or of the moment, not of the rows (ErrorCodes.cpp there): the
 * same rows will do later. Everything else it says of an insert is tried on the rows themselves before it is believed.
 */
const NOT_ABOUT_ROWS: ReadonlySet<number> = new Set([
  3, // unexpected end of file
  74, 75, 76, 77, 107, // cannot read from, write to, open, close a file; it doesn't exist
  159, 160, // timeout, too slow
  173, // cannot allocate memory
  202, // too many simultaneous queries
  209, 210, // network
  236, // aborted
  241, 243, // memory limit, not enough space
  242, // table is read-only
  252, // too many parts
  319, // unknown status of an insert
  394, // query was cancelled
  439, // cannot schedule a task
  425, // system error: errno is in the message
  499, // object storage
  722, 733, // waiting for tables to load, table is being restarted
  999, // keeper
]);

/** Errors of the system that ClickHouse passes on under numbers of many kinds. */
const ERRNO = /errno: \d+|\b(ENOSPC|EIO|EDQUOT|EMFILE|ENFILE|EROFS|ENOMEM)\b|No space left on device|Input\/output error/;

/** Whether a store may have refused the rows themselves. False for what passes, or needs an operator. */
export function mayBeAboutRows(error: unknown): error is WarehouseError {
  return error instanceof WarehouseError && error.number > 0 && !NOT_ABOUT_ROWS.has(error.number) && !ERRNO.test(error.message);
}
