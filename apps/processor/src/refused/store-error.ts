import { isDamageNumber, WarehouseError } from '@tidemark/warehouse';

/**
 * ClickHouse's error numbers that speak of the machine or of the moment, not of the rows (ErrorCodes.cpp there): the
 * same rows will do later. Everything else it says of an insert is tried on the rows themselves before it is believed.
 */
const NOT_ABOUT_ROWS: ReadonlySet<number> = new Set([
  3, // unexpected end of file
  74, 75, 76, 77, 107, // cannot read from, write to, open, close a file; it doesn't exist
  159, 160, // timeout, too slow
  173, // cannot allocate memory
  198, 209, 210, // network
  202, // too many simultaneous queries
  236, // aborted
  241, 243, // memory limit, not enough space
  242, // table is read-only
  252, // too many parts
  319, // unknown status of an insert
  394, // query was cancelled
  425, // system error
  439, // cannot schedule a task
  473, // deadlock avoided
  499, // object storage
  722, 733, // waiting for tables to load, table is being restarted
  999, // keeper
]);

/** What a C++ library threw; only the type tells, in ClickHouse's own words before the message. */
const STD_EXCEPTION = 1001;
const OF_THE_SYSTEM = /^std::exception\. Code: 1001, type: \S*(filesystem_error|system_error|bad_alloc)/;

/**
 * Whether a store may have refused the rows themselves. False for what passes, or needs an operator. Messages are not
 * looked into beyond that: they quote the rows, so a client could write "No space left on device" into one.
 */
export function mayBeAboutRows(error: unknown): error is WarehouseError {
  if (!(error instanceof WarehouseError) || error.number === 0 || NOT_ABOUT_ROWS.has(error.number)) return false;
  // A second try reads what a store holds: that its files are damaged condemns none of the rows that are to come.
  if (isDamageNumber(error.number)) return false;
  return error.number !== STD_EXCEPTION || !OF_THE_SYSTEM.test(error.message);
}
