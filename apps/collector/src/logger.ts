/** The part of a pino logger that the collector uses. URLs are never logged: they may carry keys and tokens. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
