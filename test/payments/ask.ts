/** A client of a service under test, as it would come through a proxy that passes requests on as they are. */
import type { Agent } from 'node:http';
import { type Answered, request } from '../servers/request.ts';

export type Asked = Readonly<{
  path?: string;
  header?: string;
  prefix?: string;
  agent?: Agent;
  deadlineMs?: number;
  from?: string;
}>;

export const ask = (origin: string, token: string, asked: Asked = {}): Promise<Answered> => {
  const {
    path = '/premium/1',
    header = 'X-Cashu',
    prefix = '',
    agent,
    deadlineMs = 30_000,
    from = '203.0.113.7',
  } = asked;
  return request(origin, `/auth/native${path}`, {
    headers: { Host: 'shop.example.com', 'X-Forwarded-For': from, [header]: `${prefix}${token}` },
    ...(agent && { agent }),
    deadlineMs,
  });
};

export const codeOf = ({ status, body }: Answered): string => (status === 200 ? 'paid' : JSON.parse(body).code);

/** How many got which status. */
export const tally = async (answers: readonly Promise<Answered>[]): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
