/** `/api/keys/:id`: rotating, disabling and revoking keys. */
import { z } from 'zod';
import { isRefusal } from '../../core/refusal.ts';
import type { KeyRecord } from '../../keys/key-store.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { showKey, shownKey } from './key-shapes.ts';
import { type KeyCallsParts, keyId, noSuchKey, revoked } from './keys.ts';
import { idempotencyHeaders, madeKey, replayHeaders, toRepeatable, withKey } from './made-key.ts';
import type { Outcome } from './outcome.ts';
import { schemaNames } from './schema-names.ts';

const LONGEST_OVERLAP_S = 366 * 86_400;

export const rotation = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(LONGEST_OVERLAP_S)
      .describe('How long the secret that is replaced still opens. 0 where it has leaked.'),
  })
  .register(schemaNames, { id: 'Rotation' });

type Toggle = Readonly<{ verb: 'disable' | 'enable'; summary: string; action: 'disable_key' | 'enable_key' }>;

export const createKeyLifeCalls = ({ registry, now }: Omit<KeyCallsParts, 'defaults'>): Endpoint[] => {
  const changed = (record: KeyRecord, { action }: Toggle): Outcome => {
    if (record.revokedAt !== undefined) return revoked;
    const change = { action, key_id: record.id, user_id: record.userId } as const;
    return { status: 200, body: showKey(record, now()), change };
  };

  const toggle = (one: Toggle): Endpoint =>
    endpoint({
      method: 'POST',
      path: `/api/keys/:id/${one.verb}`,
      operation: `${one.verb}Key`,
      tag: 'Keys',
      summary: one.summary,
      params: keyId,
      answers: [{ status: 200, description: 'The key as it is now.', shape: shownKey }],
      refusals: ['not_found', 'key_revoked'],
      async call({ param }) {
        const record = await registry.setDisabled(param('id'), one.verb === 'disable');
        return record ? changed(record, one) : noSuchKey;
      },
    });

  return [
    endpoint({
      method: 'POST',
      path: '/api/keys/:id/rotate',
      operation: 'rotateKey',
      tag: 'Keys',
      summary: 'Give a key a new secret. Its id, limits, credits and usage stay.',
      params: keyId,
      headers: idempotencyHeaders,
      body: rotation,
      answers: [{ status: 201, description: 'The key with its new secret.', shape: withKey, headers: replayHeaders }],
      refusals: ['not_found', 'key_revoked', 'idempotency_conflict', 'key_made_before'],
      async call({ param, body, header }) {
        const id = param('id');
        const repeatable = toRepeatable(header, ['rotate key', id, body]);
        if (isRefusal(repeatable)) return repeatable;
        const made = await registry.rotate(id, body.overlap_seconds * 1000, repeatable);
        return made ? madeKey(made, 'rotate_key', now()) : noSuchKey;
      },
    }),
    toggle({ verb: 'disable', summary: 'Refuse a key until it is enabled again.', action: 'disable_key' }),
    toggle({ verb: 'enable', summary: 'Let a disabled key be used again.', action: 'enable_key' }),
    endpoint({
      method: 'DELETE',
      path: '/api/keys/:id',
      operation: 'revokeKey',
      tag: 'Keys',
      summary: 'Revoke a key for good. It stays in lists.',
      params: keyId,
      answers: [{ status: 204, description: 'It is revoked, or was before.' }],
      refusals: ['not_found'],
      async call({ param }) {
        const record = await registry.revoke(param('id'));
        if (!record) return noSuchKey;
        return { status: 204, change: { action: 'revoke_key', key_id: record.id, user_id: record.userId } };
      },
    }),
  ];
};
