/** `POST /admin/reload` and `GET /admin/status`: the configuration that runs, and taking another one into use. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { Reloads } from '../../reload/reloads.ts';
import type { Replica, StatusReport } from '../../reload/status.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { schemaNames } from './schema-names.ts';

const time = z.iso.datetime();

const replica = z
  .object({
    id: z.string(),
    generation: z.number().int().describe('Counts configurations. Equal where all run the same.'),
    digest: z.string().describe('Of the text of the file, without variables and secrets.'),
    loaded_at: time,
    secrets_read_at: time.describe('When secrets were last read where they are kept.'),
    secrets_problem: z.string().nullable().describe('Why they could not be read since. Those read last are in use.'),
    behind: z.number().int().nullable().describe('A generation that others have, and this one not yet.'),
    last_error: z
      .object({ at: time, problems: z.array(z.string()) })
      .nullable()
      .describe('Why the last reload changed nothing.'),
    reloads: z.object({ changed: z.number().int(), unchanged: z.number().int(), refused: z.number().int() }),
    seen_at: time,
  })
  .register(schemaNames, { id: 'Replica' });

const shownStatus = z
  .object({
    id: z.string().describe('The replica that answers.'),
    replicas: z.array(replica),
    problem: z.string().nullable().describe('Why other replicas may be missing.'),
  })
  .register(schemaNames, { id: 'Status' });

const shownReload = z
  .object({
    outcome: z.enum(['changed', 'unchanged']),
    generation: z.number().int(),
    changed: z.array(z.string()).describe('Keys that differ from before.'),
  })
  .register(schemaNames, { id: 'Reload' });

const iso = (ms: number): string => new Date(ms).toISOString();

const showReplica = ({ id, seenAtMs, status }: Replica): z.output<typeof replica> => ({
  id,
  generation: status.generation,
  digest: status.digest,
  loaded_at: iso(status.loadedAtMs),
  secrets_read_at: iso(status.secretsReadAtMs),
  secrets_problem: status.secretsProblem ?? null,
  behind: status.behind ?? null,
  last_error: status.lastError ? { at: iso(status.lastError.atMs), problems: [...status.lastError.problems] } : null,
  reloads: { ...status.counts },
  seen_at: iso(seenAtMs),
});

const showStatus = ({ id, replicas, problem }: StatusReport): z.output<typeof shownStatus> => ({
  id,
  replicas: replicas.map(showReplica),
  problem: problem ?? null,
});

export const createReloadCalls = ({ reload, status }: Pick<Reloads, 'reload' | 'status'>): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: '/admin/reload',
    operation: 'reload',
    tag: 'Configuration',
    summary: 'Load the configuration again, as SIGHUP does.',
    description:
      'All or nothing: what is wrong is named, and then nothing has changed. Other replicas follow by themselves; see the status.',
    answers: [{ status: 200, description: 'What is in the file is in use.', shape: shownReload }],
    refusals: ['reload_refused'],
    async call() {
      const { outcome, generation, changed, problems } = await reload('request');
      if (outcome === 'refused') return refuse('reload_refused', problems.join('\n'));
      const body = { outcome, generation, changed: [...changed] };
      return { status: 200, body, change: { action: 'reload', outcome, generation } };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/admin/status',
    operation: 'getStatus',
    tag: 'Configuration',
    summary: 'Say which configuration each replica runs.',
    answers: [{ status: 200, description: 'Every replica that was seen lately.', shape: shownStatus }],
    call: async () => ({ status: 200, body: showStatus(await status()) }),
  }),
];
