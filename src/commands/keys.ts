/** `sallyport keys create | list | show | update`. */
import { keyDefaultsOf } from '../assemble/keys.ts';
import { keyUpdate, newKey, toKeyUpdate, toNewKey } from '../http/admin/key-requests.ts';
import { type ShownKey, showKey } from '../http/admin/key-shapes.ts';
import type { KeyPosition } from '../keys/key-store.ts';
import { type FieldOptions, readShape, toBody } from './key-fields.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { tellKey, withKeys } from './with-keys.ts';

export const createKey = (options: CommandOptions & FieldOptions): Promise<number> =>
  withKeys(options, async ({ registry, config }) => {
    const body = readShape(newKey, toBody(options));
    if (!body) return 2;
    if (body.expires_at !== null && body.expires_at <= Date.now()) {
      fail('expires_at: is in the past');
      return 2;
    }
    const made = await registry.create(toNewKey(body, keyDefaultsOf(config)));
    if (made.made !== 'first') throw new Error('a call that cannot be repeated was');
    const { key, record } = made;
    const sentence = `${key}\n\nThis is ${record.id} of ${record.userId}. It is shown once: keep it now.`;
    say(options.json ? JSON.stringify({ ...showKey(record, Date.now()), key }) : sentence);
    return 0;
  });

const PAGE = 1_000;

const lineOf = ({ id, hint, status, created_at, user_id, name }: ShownKey, user: string | undefined): string => {
  const whose = user === undefined ? `  ${user_id}` : '';
  return `${id}  ${hint.padEnd(10)} ${status.padEnd(8)}  ${created_at.slice(0, 10)}${whose}  ${name}`;
};

export const listKeys = (user: string | undefined, options: CommandOptions): Promise<number> =>
  withKeys(options, async ({ registry }) => {
    const shown: ShownKey[] = [];
    let after: KeyPosition | undefined;
    do {
      const page = await registry.list({ userId: user, after, limit: PAGE });
      shown.push(...page.records.map((record) => showKey(record, Date.now())));
      after = page.next;
    } while (after);
    if (options.json) say(JSON.stringify({ keys: shown }));
    else for (const key of shown) say(lineOf(key, user));
    if (shown.length === 0) fail(user === undefined ? 'there are no keys' : `${user} has no keys`);
    return 0;
  });

export const showOne = (id: string, options: CommandOptions): Promise<number> =>
  withKeys(options, async ({ registry }) => {
    const record = await registry.get(id);
    if (!record) return tellKey(id, undefined, options, '');
    const shown = showKey(record, Date.now());
    if (options.json) say(JSON.stringify(shown));
    else for (const [name, value] of Object.entries(shown)) say(`${name}: ${JSON.stringify(value)}`);
    return 0;
  });

export const updateKey = (id: string, options: CommandOptions & FieldOptions): Promise<number> =>
  withKeys(options, async ({ registry }) => {
    const body = readShape(keyUpdate, toBody(options));
    if (!body) return 2;
    return tellKey(id, await registry.update(id, toKeyUpdate(body)), options, `${id} is changed`);
  });
