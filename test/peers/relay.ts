import type { Owner } from '../servers/last-resort.ts';
import { type FaultTable, withFaults } from './faults.ts';
import { type Answer, type Asked, type Loopback, listen } from './loopback.ts';

export type Relay = Loopback & Readonly<{ faults: FaultTable }>;

const forward = async (origin: string, { method, url, body }: Asked): Promise<Answer> => {
  const sent = method === 'GET' ? {} : { body, headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${origin}${url}`, { method, ...sent });
  return { status: response.status, headers: { 'content-type': 'application/json' }, body: await response.text() };
};

/** The way to a real mint, which fails on demand. */
export const relayTo = async (origin: string, owner: Owner): Promise<Relay> => {
  const { respond, faults } = withFaults((asked) => forward(origin, asked));
  return { ...(await listen(respond, owner)), faults };
};
