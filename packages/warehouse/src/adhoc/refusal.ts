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

/** As many queries run as may: of the project, or of all projects. */
export class AdhocBusy extends Error {
  constructor(atOnce: number, whose: 'of the project' | 'of this server') {
    super(`${atOnce} SQL queries ${whose} are running, which is as many as may: try again when one has ended.`);
    this.name = 'AdhocBusy';
  }
}
