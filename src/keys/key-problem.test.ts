import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyRecord } from '../../test/keys/key-record.ts';
import { keyProblem } from './key-problem.ts';
import type { KeyRecord } from './key-store.ts';

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [changes: Partial<KeyRecord>, clientIp: string, problem: string | undefined])[] = [
  [{},                                                        '',            undefined],
  [{ revokedAt: 1 },                                          '192.0.2.1',   'revoked'],
  [{ disabledAt: 1 },                                         '192.0.2.1',   'disabled'],
  [{ expiresAt: 1_001 },                                      '192.0.2.1',   undefined],
  [{ expiresAt: 1_000 },                                      '192.0.2.1',   'expired'],
  [{ replacedUntil: 1_001 },                                  '192.0.2.1',   undefined],
  [{ replacedUntil: 1_000 },                                  '192.0.2.1',   'replaced'],
  [{ allowedIps: ['192.0.2.0/24', '2001:db8::/32'] },         '192.0.2.1',   undefined],
  [{ allowedIps: ['192.0.2.0/24', '2001:db8::/32'] },         '2001:db8::1', undefined],
  [{ allowedIps: ['192.0.2.0/24'] },                          '192.0.3.1',   'wrong_source'],
  [{ allowedIps: ['0.0.0.0/0', '::/0'] },                     '',            'wrong_source'],
  [{ allowedIps: ['unreadable'] },                            '192.0.2.1',   'wrong_source'],
  [{ allowedIps: ['192.0.2.0/24'], revokedAt: 1, expiresAt: 1 }, '',         'revoked'],
];

for (const [changes, clientIp, problem] of cases) {
  test(`${JSON.stringify(changes)} from "${clientIp}": ${problem ?? 'may be used'}`, () => {
    assert.equal(
      keyProblem(keyRecord('key_1', changes), clientIp, () => 1_000),
      problem,
    );
  });
}
