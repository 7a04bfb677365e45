import type { ProblemCode as QuestionCode } from '@tidemark/analytics';
import type { ControlErrorCode } from '@tidemark/control';

interface ProblemKind {
  status: number;
  title: string;
}

/**
 * Every error the API answers with, as RFC 9457 problem documents. One catalogue: a test holds it against docs/api.md.
 * Rules about events have their own catalogue at the door (docs/protocol.md); their codes arrive here inside `errors`.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request does not fit what this route takes.' },
  invalid_json: { status: 400, title: 'The body is not JSON.' },
  missing_field: { status: 400, title: 'A field is missing.' },
  unknown_field: { status: 400, title: 'There is no such field.' },
  invalid_type: { status: 400, title: 'A field has another JSON type than it must have.' },
  invalid_value: { status: 400, title: 'A field has a value that it can not have.' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this route gave.' },
  unauthorized: { status: 401, title: 'An API token is needed.' },
  forbidden: { status: 403, title: 'The token may not do this.' },
  not_found: { status: 404, title: 'There is nothing at this address.' },
  query_not_found: { status: 404, title: 'No SQL query of this name is running.' },
  backup_not_found: { status: 404, title: 'There is no such snapshot.' },
  job_not_found: { status: 404, title: 'There is no such job.' },
  event_not_found: { status: 404, title: 'No event with this id is known.' },
  method_not_allowed: { status: 405, title: 'This address takes other methods.' },
  job_running: { status: 409, title: 'Another engine runs the job.' },
  implausible_effect: { status: 409, title: 'The job would delete more than can be believed.' },
  rebuild_nothing: { status: 404, title: 'There is nothing to rebuild.' },
  rebuild_running: { status: 409, title: 'A rebuild is running.' },
  rebuild_not_running: { status: 409, title: 'No rebuild is running.' },
  rebuild_no_room: { status: 507, title: 'The disk has no room for a rebuild.' },
  backup_running: { status: 409, title: 'A snapshot is being made.' },
  replay_running: { status: 409, title: 'A replay is running.' },
  body_too_large: { status: 413, title: 'The body is over the limit.' },
  uri_too_long: { status: 414, title: 'A part of the address is over the limit.' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON.' },
  too_many_live_readers: { status: 429, title: 'Too many readers of the live stream.' },
  too_many_queries: { status: 429, title: 'Too many SQL queries at once.' },
  too_many_exports: { status: 429, title: 'Too many exports at once.' },
  internal_error: { status: 500, title: 'We failed; it is logged.' },
  // Not 503: the same question will fail the same way until somebody mends the store.
  store_damaged: { status: 500, title: 'The files of a store are damaged.' },
  not_ready: { status: 503, title: 'A part of the system is away.' },
  replay_unavailable: { status: 503, title: 'Nothing can be replayed at the moment.' },
  warehouse_unavailable: { status: 503, title: 'The warehouse did not answer.' },

  // What analytics refuses besides.
  unknown_kind: { status: 404, title: 'There is no such kind of question.' },
  unknown_property: { status: 400, title: 'There is no such property.' },
  unknown_timezone: { status: 400, title: 'There is no such time zone.' },
  invalid_time: { status: 400, title: 'A time can not be read.' },
  empty_range: { status: 400, title: 'The range of time is empty.' },
  range_too_long: { status: 400, title: 'The range of time is too long.' },
  too_many_points: { status: 400, title: 'The answer would have too many points.' },
  too_many_variants: { status: 400, title: 'The experiment has too many variants.' },
  invalid_pattern: { status: 400, title: 'A pattern is not a regular expression.' },
  invalid_formula: { status: 400, title: 'The formula can not be read.' },
  unsupported_combination: { status: 400, title: 'These can not be asked together.' },
  unknown_cohort: { status: 400, title: 'There is no such saved cohort.' },
  cohort_cycle: { status: 400, title: 'The cohort would contain itself.' },
  cohort_too_large: { status: 400, title: 'The cohort has more people than a static one keeps.' },
  question_too_large: { status: 400, title: 'The question is too large.' },
  // Not 503: the same question would cost the same again.
  question_too_expensive: { status: 422, title: 'The question went over the memory or time it may take.' },
  sql_invalid: { status: 400, title: 'The query is no SQL that can be run.' },
  sql_not_allowed: { status: 400, title: 'The query asks for what it may not.' },
  sql_unknown_parameter: { status: 400, title: 'A parameter of the query has no value.' },
  // As above: the same query would cost the same again.
  sql_reads_too_much: { status: 422, title: 'The query would read more rows than it may.' },
  sql_result_too_large: { status: 422, title: 'The answer is larger than it may be.' },
  sql_timeout: { status: 422, title: 'The query took longer than it may.' },
  sql_out_of_memory: { status: 422, title: 'The query took more memory than it may.' },
  sql_cancelled: { status: 409, title: 'The query was cancelled.' },

  // What the control store refuses.
  illegal_name: { status: 400, title: 'The name can not be used.' },
  illegal_key: { status: 400, title: 'The write key can not be used.' },
  illegal_token: { status: 400, title: 'The API token can not be used.' },
  illegal_valve: { status: 400, title: 'The valve can not be made so.' },
  project_not_found: { status: 404, title: 'There is no such project.' },
  source_not_found: { status: 404, title: 'The project has no such source.' },
  key_not_found: { status: 404, title: 'The project has no such write key.' },
  token_not_found: { status: 404, title: 'The project has no such API token.' },
  valve_not_found: { status: 404, title: 'The project has no such valve.' },
  unknown_question: { status: 404, title: 'No question is saved under this name.' },
  unknown_version: { status: 404, title: 'The saved question has no such version.' },
  too_many_questions: { status: 409, title: 'The project has as many saved questions as it may have.' },
  source_exists: { status: 409, title: 'The source exists already.' },
  key_exists: { status: 409, title: 'The write key exists already.' },
  token_exists: { status: 409, title: 'The API token exists already.' },
  last_token: { status: 409, title: 'It is the last API token of its project.' },
  last_admin_token: { status: 409, title: 'It is the last admin token.' },
  too_many_valves: { status: 409, title: 'The project has as many valves as it may.' },
  illegal_id: { status: 400, title: 'The id can not be one.' },
  same_person: { status: 409, title: 'They are one person already.' },
  unknown_identity: { status: 404, title: 'No event names this id.' },
  not_linked: { status: 409, title: 'Nothing links them.' },
  too_many_decisions: { status: 409, title: 'The project has as many identity decisions as it may.' },
  nothing_to_confirm: { status: 409, title: 'Nothing was held back.' },
  version_conflict: { status: 409, title: 'It was changed in the meantime.' },
  control_unavailable: { status: 503, title: 'The control store did not answer.' },
  control_corrupt: { status: 503, title: 'The control store is damaged.' },
  control_too_new: { status: 503, title: 'The control store belongs to a newer version.' },
} as const satisfies Record<ControlErrorCode | QuestionCode, ProblemKind> & Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One rule that the request broke: which field, what stood there, what must hold. */
export interface Fault {
  field: string;
  code: string;
  value?: unknown;
  rule?: string;
  detail: string;
}

/** The body of an error answer. `field`, `value` and `rule` are those of the first of `errors`. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  documentation: string;
  field?: string;
  value?: unknown;
  rule?: string;
  errors?: Fault[];
}

export interface ProblemExtras {
  faults?: readonly Fault[];
  headers?: Record<string, string>;
  /** More members for the document, like `part` of not_ready. */
  members?: Record<string, unknown>;
  cause?: unknown;
}

/** Thrown by a route to answer with a problem document. `detail` says what to do, in a sentence. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly faults: readonly Fault[];
  readonly headers: Record<string, string>;
  readonly members: Record<string, unknown>;

  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause });
    this.name = 'Problem';
    this.code = code;
    this.faults = extras.faults ?? [];
    this.headers = extras.headers ?? {};
    this.members = extras.members ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  toDocument(): ProblemDocument {
    const documentation = documentationOf(this.code);
    const [first] = this.faults;
    const document: ProblemDocument = {
      type: documentation,
      title: PROBLEMS[this.code].title,
      status: this.status,
      code: this.code,
      detail: this.message,
      documentation,
      ...this.members,
    };
    if (first === undefined) return document;
    document.field = first.field;
    if (first.value !== undefined) document.value = first.value;
    if (first.rule !== undefined) document.rule = first.rule;
    document.errors = [...this.faults];
    return document;
  }
}

/** Where a code is explained: under a heading of its name. */
function documentationOf(code: ProblemCode): string {
  return `docs/api.md#${code}`;
}

/** A value longer than this is shown cut: an error answer must not echo megabytes. */
const MAX_SHOWN_CHARS = 200;

/** The fault with a value short enough to answer with. */
export function shownFault(fault: Fault): Fault {
  const text = typeof fault.value === 'string' ? fault.value : JSON.stringify(fault.value);
  if (text === undefined || text.length <= MAX_SHOWN_CHARS) return fault;
  return { ...fault, value: `${text.slice(0, MAX_SHOWN_CHARS)}…`.toWellFormed() };
}
