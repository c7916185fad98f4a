/** Keys that ask for nothing special, for tests that are about something else. */
import type { KeyRecord } from '../../src/keys/key-store.ts';
import type { NewKey } from '../../src/keys/registry.ts';

export const newKey: NewKey = {
  userId: 'ann',
  name: 'laptop',
  rateLimitPerMinute: undefined,
  rateLimitPerDay: undefined,
  scopes: [],
  metadata: {},
  allowedIps: [],
  customerId: undefined,
  credits: undefined,
  expiresAt: undefined,
};

export const keyRecord = (id: string, changes: Partial<KeyRecord> = {}): KeyRecord => ({
  ...newKey,
  credits: undefined,
  id,
  hash: `hash of ${id}`,
  hint: 'sk-…abcd',
  createdAt: 1_000,
  disabledAt: undefined,
  revokedAt: undefined,
  replacedUntil: undefined,
  ...changes,
});
