/** Every way in which the control store says no. The sentence tells the caller what to do. */
export const CONTROL_ERROR_CODES = [
  'control_unavailable',
  'control_corrupt',
  'control_too_new',
  'project_not_found',
  'source_not_found',
  'source_exists',
  'key_not_found',
  'key_exists',
  'token_not_found',
  'token_exists',
  'last_token',
  'last_admin_token',
  'unknown_question',
  'unknown_version',
  'too_many_questions',
  'version_conflict',
  'valve_not_found',
  'illegal_valve',
  'too_many_valves',
  'nothing_to_confirm',
  'too_many_decisions',
  'illegal_name',
  'illegal_key',
  'illegal_token',
] as const;

export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number];

export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ControlErrorCode;
  /** The argument at fault, when there is one. */
  readonly field: string | undefined;

  constructor(code: ControlErrorCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.field = options.field;
  }
}
