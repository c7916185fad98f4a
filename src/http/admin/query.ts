import { z } from 'zod';
import { type Refusal, refuse } from '../../core/refusal.ts';
import { wrong } from './wrong-fields.ts';

/** Reads a query by its shape. A parameter that comes twice, is not known, or has a NUL in it, is refused. */
export const readQuery = <T>(query: string, shape: z.ZodType<T>): T | Refusal => {
  const params = new URLSearchParams(query);
  const names = [...params.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return refuse('bad_request', `The parameter ${twice.slice(0, 64)} came more than once.`);
  if ([...params].flat().some((text) => text.includes('\0')))
    return refuse('bad_request', 'The query has a control character.');
  const parsed = shape.safeParse(Object.fromEntries(params));
  return parsed.success ? parsed.data : wrong(parsed.error);
};

/** A whole number from 1 to `most`, without signs, spaces and leading zeros. */
export const wholeNumber = (most: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'is not a whole number from 1')
    .transform(Number)
    .pipe(z.number().max(most))
    .meta({ type: 'integer', minimum: 1, maximum: most });
