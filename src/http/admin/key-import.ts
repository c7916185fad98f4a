/** `POST /api/keys/import`: keys that were made elsewhere, by their hashes. */
import { z } from 'zod';
import { type Endpoint, endpoint } from './endpoint.ts';
import { keyImport, toForeignKeys } from './key-requests.ts';
import type { KeyCallsParts } from './keys.ts';

const MAX_BYTES = 2 * 1024 * 1024;

const imported = z.object({
  keys: z
    .array(
      z.object({
        hash: z.string(),
        id: z.string(),
        outcome: z.enum(['imported', 'exists']).describe('`exists`: it was there before, and stays as it is.'),
      }),
    )
    .describe('In the order in which they came.'),
});

export const createImportCall = ({ registry, defaults }: Omit<KeyCallsParts, 'now'>): Endpoint =>
  endpoint({
    method: 'POST',
    path: '/api/keys/import',
    operation: 'importKeys',
    tag: 'Keys',
    summary: 'Take over keys that were made elsewhere, by their hashes.',
    description:
      'All or none. May be repeated: a hash that is there stays as it is. Keys that do not look like those made here are ' +
      'recognised by `api_keys.imported` of the configuration alone.',
    body: keyImport,
    maxBodyBytes: MAX_BYTES,
    answers: [{ status: 200, description: 'What became of each.', shape: imported }],
    async call({ body }) {
      const keys = toForeignKeys(body, defaults);
      const outcomes = await registry.importAll(keys);
      const shown = outcomes.map(({ id, outcome }, index) => ({ hash: keys[index]?.hash, id, outcome }));
      const count = outcomes.filter(({ outcome }) => outcome === 'imported').length;
      return { status: 200, body: { keys: shown }, change: { action: 'import_keys', count } };
    },
  });
