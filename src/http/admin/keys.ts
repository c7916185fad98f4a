/** `/api/keys`: making, listing and changing keys; the first three calls are those of seed 003. */
import { z } from 'zod';
import { isRefusal, refuse } from '../../core/refusal.ts';
import type { KeyRecord } from '../../keys/key-store.ts';
import type { KeyPage, KeyRegistry } from '../../keys/registry.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { parseCursor, toCursor } from './key-cursor.ts';
import { type KeyDefaults, keyUpdate, newKey, toKeyUpdate, toNewKey } from './key-requests.ts';
import { showKey, shownKey } from './key-shapes.ts';
import { idempotencyHeaders, madeKey, replayHeaders, toRepeatable, withKey } from './made-key.ts';
import type { Outcome } from './outcome.ts';
import { wholeNumber } from './query.ts';
import { schemaNames } from './schema-names.ts';

export type KeyCallsParts = Readonly<{ registry: KeyRegistry; defaults: KeyDefaults; now: () => number }>;

// The id is not repeated: who takes the key itself for its id must not find it in an answer or a log.
export const noSuchKey = refuse('not_found', 'There is no key of this id.');

export const revoked = refuse('key_revoked', 'The key is revoked. Make another one.');

export const keyId = { id: 'The id of the key, `key_…`; not the key itself.' };

const inPast = refuse('bad_request', 'expires_at: is in the past', {
  members: { errors: [{ field: 'expires_at', message: 'is in the past' }] },
});

const page = z.strictObject({
  limit: wholeNumber(1_000).optional().describe('Most keys to answer with; 100 unless set.'),
  cursor: z.string().optional().describe('`next_cursor` of the page before.'),
});

const pageOfKeys = z
  .object({ keys: z.array(shownKey), next_cursor: z.string().nullable() })
  .register(schemaNames, { id: 'KeyPage' });

const DEFAULT_LIMIT = 100;

export const createKeyCalls = ({ registry, defaults, now }: KeyCallsParts): Endpoint[] => {
  const show = (record: KeyRecord) => showKey(record, now());

  const showPage = ({ records, next }: KeyPage): z.output<typeof pageOfKeys> => ({
    keys: records.map(show),
    next_cursor: next ? toCursor(next) : null,
  });

  const list = async (userId: string | undefined, { limit, cursor }: z.output<typeof page>): Promise<Outcome> => {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    if (cursor !== undefined && !after) return refuse('bad_request', 'cursor: is none that a list has answered.');
    return { status: 200, body: showPage(await registry.list({ userId, after, limit: limit ?? DEFAULT_LIMIT })) };
  };

  return [
    endpoint({
      method: 'POST',
      path: '/api/keys',
      operation: 'createKey',
      tag: 'Keys',
      summary: 'Make a key. It is shown once.',
      headers: idempotencyHeaders,
      body: newKey,
      answers: [{ status: 201, description: 'The key.', shape: withKey, headers: replayHeaders }],
      refusals: ['idempotency_conflict', 'key_made_before'],
      async call({ body, header }) {
        if (body.expires_at !== null && body.expires_at <= now()) return inPast;
        const repeatable = toRepeatable(header, ['create key', body]);
        if (isRefusal(repeatable)) return repeatable;
        return madeKey(await registry.create(toNewKey(body, defaults), repeatable), 'create_key', now());
      },
    }),
    endpoint({
      method: 'GET',
      path: '/api/keys',
      operation: 'listKeys',
      tag: 'Keys',
      summary: 'List all keys, the newest first, revoked ones included.',
      query: page,
      answers: [{ status: 200, description: 'A page of keys.', shape: pageOfKeys }],
      call: ({ query }) => list(undefined, query),
    }),
    endpoint({
      method: 'GET',
      path: '/api/keys/:user_id',
      operation: 'listKeysOfUser',
      tag: 'Keys',
      summary: "List a user's keys, the newest first, revoked ones included.",
      params: { user_id: 'Whose keys.' },
      query: page,
      answers: [{ status: 200, description: 'A page of keys; empty for a user who has none.', shape: pageOfKeys }],
      call: ({ param, query }) => list(param('user_id'), query),
    }),
    endpoint({
      method: 'GET',
      path: '/api/keys/id/:id',
      operation: 'getKey',
      tag: 'Keys',
      summary: 'Show one key.',
      params: keyId,
      answers: [{ status: 200, description: 'The key, without its secret.', shape: shownKey }],
      refusals: ['not_found'],
      async call({ param }) {
        const record = await registry.get(param('id'));
        return record ? { status: 200, body: show(record) } : noSuchKey;
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/api/keys/:id',
      operation: 'updateKey',
      tag: 'Keys',
      summary: 'Change a key. What is left out stays; null takes away.',
      params: keyId,
      body: keyUpdate,
      answers: [{ status: 200, description: 'The key as it is now.', shape: shownKey }],
      refusals: ['not_found', 'key_revoked'],
      async call({ param, body }) {
        const record = await registry.update(param('id'), toKeyUpdate(body));
        if (!record) return noSuchKey;
        if (record.revokedAt !== undefined) return revoked;
        const change = { action: 'update_key', key_id: record.id, user_id: record.userId } as const;
        return { status: 200, body: show(record), change };
      },
    }),
  ];
};
