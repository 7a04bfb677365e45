import Type, { type Static } from 'typebox';
import { QuestionError } from '../../question/problem.ts';
import { COMMON } from '../../question/schema.ts';

const MAX_QUERY_BYTES = 100_000;
const Scalar = Type.Union([Type.String({ maxLength: 10_000 }), Type.Number(), Type.Boolean()], { description: 'a text, a number, true or false' });
/** `{name}` is then the list of a saved cohort's people (rule Z10). */
const OfCohort = Type.Object({ cohort: Type.String({ minLength: 1, maxLength: 200, description: 'the name of a saved cohort' }) }, { additionalProperties: false });
const { from, to, range, timezone, waitFor } = COMMON;

export const Question = Type.Object(
  {
    query: Type.String({ minLength: 1, maxLength: MAX_QUERY_BYTES, description: 'one SELECT in ClickHouse’s dialect over the views events, sessions, people, identities and rollups' }),
    params: Type.Optional(
      Type.Record(Type.String({ pattern: '^\\w{1,100}$' }), Type.Union([Scalar, Type.Array(Scalar, { minItems: 1, maxItems: 1_000 }), OfCohort], { description: 'a text, a number, true, false, a list of 1 to 1,000 of them, or {"cohort": name}' }), {
        description: 'values of the {name}s in the query',
      }),
    ),
    from, to, range, timezone, waitFor,
    explain: Type.Optional(Type.Boolean({ description: 'true: tell how many rows it would read, and run nothing' })),
    queryId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$', description: 'a name by which it can be cancelled: 1 to 100 letters, digits, -' })),
    format: Type.Optional(Type.Enum(['csv', 'ndjson', 'parquet'], { description: 'all of the result as a file: csv, ndjson or parquet' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** What the schema doesn't say. Throws a QuestionError. */
export function checkSql({ query, explain, format }: Question): void {
  if (explain === true && format !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: 'explain', value: explain, rule: 'either an estimate or a file', detail: 'An estimate runs nothing, so there is no file of it: leave explain or format away.' });
  }
  const bytes = Buffer.byteLength(query);
  if (bytes > MAX_QUERY_BYTES) throw new QuestionError({ code: 'invalid_value', field: 'query', rule: `at most ${MAX_QUERY_BYTES} bytes`, detail: `The query has ${bytes} bytes; at most ${MAX_QUERY_BYTES} are taken.` });
}
