import { adminToken, type Sallyport } from '../sallyport.ts';

export type Sum = Readonly<{
  key_id: string;
  user_id: string;
  rule: string;
  requests: number;
  billable_requests: number;
  request_bytes: number;
  response_bytes: number;
}>;

/** What the service says was used, by key, user and rule. */
export const sumsOf = async ({ adminUrl }: Pick<Sallyport, 'adminUrl'>): Promise<Sum[]> => {
  const question = '/api/usage?group_by=key,user,rule&from=2020-01-01T00:00:00Z&window=month';
  const response = await fetch(`${adminUrl}${question}`, { headers: { authorization: `Bearer ${adminToken}` } });
  if (response.status !== 200) throw new Error(await response.text());
  const { usage } = (await response.json()) as { usage: Sum[] };
  return usage;
};

export const requestsIn = (sums: readonly Sum[]): number => sums.reduce((sum, { requests }) => sum + requests, 0);
