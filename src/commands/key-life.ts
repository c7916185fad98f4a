/** `sallyport keys rotate | disable | enable | revoke`. */
import { showKey } from '../http/admin/key-shapes.ts';
import { readSeconds } from './key-fields.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { tellKey, withKeys } from './with-keys.ts';

export const rotateKey = (id: string, options: CommandOptions & Readonly<{ overlap?: string }>): Promise<number> =>
  withKeys(options, async ({ registry }) => {
    const { overlap = '', json } = options;
    const seconds = overlap === '0' ? 0 : readSeconds(overlap);
    if (seconds === undefined || seconds > 366 * 86_400) {
      fail('--overlap takes 0, or a time such as 30m, 12h or 7d, up to 366d');
      return 2;
    }
    const made = await registry.rotate(id, seconds * 1000);
    if (made?.made !== 'first') return tellKey(id, made?.record, options, '');
    const { key, record } = made;
    const former = seconds === 0 ? 'The former one opens no more.' : `The former one opens for ${overlap} more.`;
    const sentence = `${key}\n\nThis is the new secret of ${id}. It is shown once: keep it now. ${former}`;
    say(json ? JSON.stringify({ ...showKey(record, Date.now()), key }) : sentence);
    return 0;
  });

const setDisabled = (isDisabled: boolean) => (id: string, options: CommandOptions) =>
  withKeys(options, async ({ registry, config }) => {
    const seconds = config.api_keys.cache_max_age / 1000;
    const sentence = `${id} is ${isDisabled ? 'disabled' : 'enabled'}; a running service knows within ${seconds} s`;
    return tellKey(id, await registry.setDisabled(id, isDisabled), options, sentence);
  });

export const disableKey = setDisabled(true);
export const enableKey = setDisabled(false);

export const revokeKey = (id: string, options: CommandOptions): Promise<number> =>
  withKeys(options, async ({ registry, config }) => {
    const record = await registry.revoke(id);
    if (!record) return tellKey(id, undefined, options, '');
    const seconds = config.api_keys.cache_max_age / 1000;
    const sentence = `${id} is revoked; a running service refuses it within ${seconds} s`;
    say(options.json ? JSON.stringify(showKey(record, Date.now())) : sentence);
    return 0;
  });
