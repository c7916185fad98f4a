/** The answer to calls that make a secret, and what makes them safe to repeat. */
import { z } from 'zod';
import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Repeatable } from '../../keys/once.ts';
import type { Made } from '../../keys/registry.ts';
import type { Asked } from './endpoint.ts';
import { showKey, shownKey } from './key-shapes.ts';
import type { Outcome } from './outcome.ts';
import { schemaNames } from './schema-names.ts';

export const withKey = shownKey
  .extend({ key: z.string().describe('The key. It cannot be shown later.') })
  .register(schemaNames, { id: 'KeyWithSecret' });

export const idempotencyHeaders = {
  'Idempotency-Key':
    'Any text that the caller uses for this one call, best a UUID. Within a day the same call gives the same key again.',
};

export const replayHeaders = { 'Idempotent-Replayed': '`true` where the call had made this key before.' };

/** `call` says what is asked for, to the last field: another call with the same Idempotency-Key is a mistake. */
export const toRepeatable = (
  header: Asked<unknown, unknown>['header'],
  call: unknown,
): Repeatable | Refusal | undefined => {
  const id = header('idempotency-key');
  if (id === undefined) return undefined;
  if (!/^[\u0021-\u007e]{1,255}$/.test(id)) {
    return refuse('bad_request', 'Idempotency-Key: expected 1 to 255 printable characters without spaces, once.');
  }
  return { id, request: call };
};

const conflict = refuse('idempotency_conflict', 'Another call came with this Idempotency-Key within the last day.');

/** The key was made, but the admin token that sealed it is another one now, or there was none. */
const madeBefore = (id: string): Refusal =>
  refuse('key_made_before', `This call made ${id} before, and its key cannot be shown again. Rotate it.`, {
    members: { id },
  });

export const madeKey = (made: Made, action: 'create_key' | 'rotate_key', nowMs: number): Outcome => {
  const { record } = made;
  switch (made.made) {
    case 'first':
    case 'again': {
      const change = { action, key_id: record.id, user_id: record.userId } as const;
      const body = { ...showKey(record, nowMs), key: made.key };
      if (made.made === 'first') return { status: 201, body, change };
      return { status: 201, body, headers: { 'Idempotent-Replayed': 'true' } };
    }
    case 'hidden':
      return madeBefore(record.id);
    case 'other':
      return conflict;
    case 'revoked':
      return refuse('key_revoked', 'The key is revoked. Make another one.');
  }
};
