import type { z } from 'zod';
import { type Refusal, refuse } from '../../core/refusal.ts';

/** A body can have thousands of mistakes, and a person reads a few. */
const MOST_ERRORS = 10;
const LONGEST_TEXT = 160;

/** Each field that is wrong, and what is wrong with it. */
export const wrong = ({ issues }: z.core.$ZodError): Refusal => {
  const errors = issues.slice(0, MOST_ERRORS).map(({ path, message }) => ({
    field: path.join('.').slice(0, LONGEST_TEXT),
    message: message.slice(0, LONGEST_TEXT),
  }));
  const fields = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return refuse('bad_request', fields.join('; '), { members: { errors } });
};
