/** Values of Vault's key-value engine, version 2, by `path#key`. */
import { z } from 'zod';
import { type VaultAnswer, type VaultCall, VaultFault } from './call.ts';
import type { VaultSession } from './session.ts';

export type Reference = Readonly<{ path: string; key: string }>;

/** The value, or why it cannot be had. */
export type Found = Readonly<{ value: string }> | Readonly<{ problem: string }>;

const versioned = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()).nullable(),
    metadata: z.object({
      version: z.number(),
      deletion_time: z.string().default(''),
      destroyed: z.boolean().default(false),
    }),
  }),
});

const valueIn = ({ status, body }: VaultAnswer, { path, key }: Reference): Found => {
  if (status === 403)
    return { problem: 'Vault does not allow to read it (403): ask for "read" on its path in the policy' };
  const read = versioned.safeParse(body);
  if (status === 404 && read.success) return { problem: 'its latest version is deleted or destroyed' };
  if (status === 404) return { problem: `Vault has nothing at ${path} (404): the path is MOUNT/data/NAME` };
  if (status !== 200) return { problem: `Vault answers ${status}` };
  if (!read.success) return { problem: 'Vault answers what is no secret of KV version 2: the path is MOUNT/data/NAME' };
  const { data } = read.data.data;
  if (data === null) return { problem: 'its latest version is deleted or destroyed' };
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value === undefined) return { problem: `the secret has no key ${JSON.stringify(key)}` };
  return typeof value === 'string' ? { value } : { problem: 'not text' };
};

const MOST_AT_ONCE = 8;

/** Each path is read once, whoever needs it. Never rejects: each reference has its value or its problem. */
export const readSecrets = async (
  references: readonly Reference[],
  { call, session }: Readonly<{ call: VaultCall; session: VaultSession }>,
): Promise<ReadonlyMap<Reference, Found>> => {
  const readOnce = async (path: string): Promise<VaultAnswer> => {
    const token = await session.token();
    const answer = await call('GET', path, { token });
    if (answer.status !== 403) return answer;
    await session.refused(token);
    const next = await session.token();
    return next === token ? answer : call('GET', path, { token: next });
  };

  const read = (path: string): Promise<VaultAnswer | VaultFault> =>
    readOnce(path).catch((error: unknown) => (error instanceof VaultFault ? error : Promise.reject(error)));

  const paths = [...new Set(references.map(({ path }) => path))];
  const answers = new Map<string, VaultAnswer | VaultFault>();
  const work = async (): Promise<void> => {
    for (let path = paths.shift(); path !== undefined; path = paths.shift()) answers.set(path, await read(path));
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, work));

  return new Map(
    references.map((reference): [Reference, Found] => {
      const answer = answers.get(reference.path) ?? new VaultFault('Vault was not asked');
      return [reference, answer instanceof VaultFault ? { problem: answer.message } : valueIn(answer, reference)];
    }),
  );
};
