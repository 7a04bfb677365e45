import { patchFault } from '@tidemark/pipeline';
import type { PatchStep } from '@tidemark/pipeline';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Problem } from '../problem.ts';

const CASTS = ['text', 'number', 'boolean', 'milliseconds'] as const;
const MAX_STEPS = 20;
const Path = Type.String({ minLength: 1, maxLength: 200, description: 'Path from the top of the event, like `properties.price`.' });

const StepShape = Type.Object(
  {
    op: Type.Unsafe<PatchStep['op']>({ type: 'string', enum: ['set', 'remove', 'rename', 'cast'] }),
    field: Path,
    to: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'rename: the new path. cast: text, number, boolean, or milliseconds (from seconds).' })),
    value: Type.Optional(Type.Unknown({ description: 'set: any JSON.' })),
  },
  { additionalProperties: false },
);

export const PatchShape = Type.Array(StepShape, { maxItems: MAX_STEPS, description: 'Changes to each event before it is judged, in order (docs/protocol.md, R3).' });

/** Throws the problem of a step that can't be taken. */
export function patchOf(steps: Static<typeof PatchShape>): PatchStep[] {
  return steps.map((given, index) => {
    const { op, field, to, value } = given;
    const refuse = (name: string, detail: string): Problem =>
      new Problem('invalid_value', detail, { faults: [{ field: `patch.${index}.${name}`, code: 'invalid_value', value: given, detail }] });
    if (op === 'set' && value === undefined) throw refuse('value', '`set` needs a `value`; `remove` takes a field away.');
    if (op !== 'set' && value !== undefined) throw refuse('value', `\`${op}\` takes no \`value\`.`);
    if ((op === 'rename' || op === 'cast') !== (to !== undefined)) throw refuse('to', op === 'rename' || op === 'cast' ? `\`${op}\` needs \`to\`.` : `\`${op}\` takes no \`to\`.`);
    if (op === 'cast' && !CASTS.some((each) => each === to)) throw refuse('to', `\`to\` must be one of ${CASTS.join(', ')}.`);
    const step = { op, field, ...(to === undefined ? {} : { to }), ...(value === undefined ? {} : { value }) } as PatchStep;
    const fault = patchFault(step);
    if (fault !== undefined) throw refuse(fault.field, fault.detail);
    return step;
  });
}
