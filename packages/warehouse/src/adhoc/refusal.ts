/** Why a SELECT of somebody's own was not answered. */
export type AdhocCode =
  | 'sql_invalid'
  | 'sql_not_allowed'
  | 'sql_reads_too_much'
  | 'sql_result_too_large'
  | 'sql_timeout'
  | 'sql_out_of_memory'
  | 'sql_cancelled';

export class AdhocRefusal extends Error {
  readonly code: AdhocCode;
  /** The name at fault, or the number that is over a limit. */
  readonly value: string | number | undefined;

  /** `detail` says what to do, in a sentence. */
  constructor(code: AdhocCode, detail: string, value?: string | number) {
    super(detail);
    this.name = 'AdhocRefusal';
    this.code = code;
    this.value = value;
  }
}

/** As many of the project's queries run as may. */
export class AdhocBusy extends Error {
  readonly atOnce: number;
  constructor(atOnce: number) {
    super(`${atOnce} SQL queries of the project are running, which is as many as may: try again when one has ended.`);
    this.name = 'AdhocBusy';
    this.atOnce = atOnce;
  }
}
