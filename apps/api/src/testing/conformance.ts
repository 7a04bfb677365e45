/** Holds every answer in the tests to what /openapi.json says of it, so that the document can't drift. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { exactly } from '@tidemark/analytics/testing';

type Json = Record<string, unknown>;
interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Json }>; $ref?: string }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json>; responses: Record<string, Operation['responses'][string]> };
}

export type CheckAnswer = (method: string, url: string, status: number, contentType: string, body: string) => void;

/** Throws when an answer is not one that the document describes: status, media type, or any field too many or too few. */
export function answersOf(openApi: object): CheckAnswer {
  const document = openApi as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  for (const [name, schema] of Object.entries(document.components.schemas))
    ajv.addSchema(schema, `#/components/schemas/${name}`);
  const compiled = new Map<Json, ValidateFunction>();
  const templates = Object.entries(document.paths).map(([path, operations]) => {
    const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return { pattern, fixed: !path.includes('{'), operations };
  });

  return (method, url, status, contentType, body) => {
    const path = url.split('?', 1)[0] as string;
    const verb = method.toLowerCase();
    const matching = templates.filter(
      ({ pattern, operations }) => pattern.test(path) && operations[verb] !== undefined,
    );
    const operation = (matching.find(({ fixed }) => fixed) ?? matching[0])?.operations[verb];
    if (operation === undefined) {
      if (status === 404) return;
      throw new Error(`${method} ${path} answered ${status} and is not described`);
    }
    let response = operation.responses[status] ?? (status >= 400 ? operation.responses['default'] : undefined);
    if (response?.$ref !== undefined)
      response = document.components.responses[response.$ref.split('/').at(-1) as string];
    if (response === undefined) throw new Error(`${method} ${path} answered ${status}, which is not described`);
    if (response.content === undefined) {
      if (body !== '') throw new Error(`${method} ${path} is described as empty`);
      return;
    }
    const mediaType = contentType.split(';', 1)[0] as string;
    const media = response.content[mediaType];
    if (media === undefined) throw new Error(`${method} ${path} answered ${mediaType}, which is not described`);
    if (!mediaType.endsWith('json') || mediaType.includes('ndjson')) return;
    let validate = compiled.get(media.schema);
    if (validate === undefined) compiled.set(media.schema, (validate = ajv.compile(exactly(media.schema) as Json)));
    if (!validate(JSON.parse(body))) {
      throw new Error(
        `${method} ${path} answered otherwise than described: ${ajv.errorsText(validate.errors)}\n${body.slice(0, 1000)}`,
      );
    }
  };
}
