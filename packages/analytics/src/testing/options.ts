/** The options of questions as texts that can be compared: those that a schema has, and those that a question uses. */

interface Schema {
  anyOf?: readonly Schema[];
  enum?: readonly (string | number)[];
  const?: string | boolean;
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
}

/** All that a schema lets somebody say, as `steps[].optional` for a field and `order=strict` for a value out of few. */
export function optionsOf(schema: object, at = ''): string[] {
  const { anyOf = [], enum: values = [], const: value, items, properties = {} } = schema as Schema;
  return [
    ...anyOf.flatMap((branch) => optionsOf(branch, at)),
    ...[...values, ...(value === undefined ? [] : [value])].map((one) => `${at}=${String(one)}`),
    ...(items === undefined ? [] : optionsOf(items, `${at}[]`)),
    ...Object.entries(properties).flatMap(([name, field]) => [join(at, name), ...optionsOf(field, join(at, name))]),
  ];
}

/** What a question says, in the same words. */
export function saidIn(question: unknown, at = ''): string[] {
  if (Array.isArray(question)) return question.flatMap((item) => saidIn(item, `${at}[]`));
  if (typeof question !== 'object' || question === null) return [`${at}=${String(question as string | number | boolean | null)}`];
  return Object.entries(question).flatMap(([name, value]) => [join(at, name), ...saidIn(value, join(at, name))]);
}

/** The options of a schema that none of the questions says. */
export function neverSaid(schema: object, questions: readonly unknown[]): string[] {
  const said = new Set(questions.flatMap((question) => saidIn(question)));
  return [...new Set(optionsOf(schema))].filter((option) => !said.has(option));
}

function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
