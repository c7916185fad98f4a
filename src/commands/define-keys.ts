/** The words of `sallyport keys`. What they do is loaded when one is used. */
import type { Command } from 'commander';
import type { FieldOptions } from './key-fields.ts';
import type { CommandOptions } from './load.ts';

type Given = Omit<CommandOptions, 'insecure'> & Readonly<{ [flag: string]: unknown }>;

export type CommandFrame = Readonly<{
  withCommonOptions(command: Command): Command;
  insecureOf(options: Given): ReadonlySet<string>;
}>;

const withFields = (command: Command): Command =>
  command
    .option('--per-minute <n>', 'requests a minute, or "none"')
    .option('--per-day <n>', 'requests a day, or "none"')
    .option('--scope <scope...>', 'scopes of the key')
    .option('--metadata <json>', 'a JSON object; stands for claims in rules')
    .option('--allow-ip <range...>', 'where it may be used from: addresses and ranges')
    .option('--customer <id>', 'who is billed: the id of a customer at Stripe, or "none"')
    .option('--credits <n>', 'requests that are counted down, or "none"')
    .option('--refill <n>', 'with --credits: what they are filled up to')
    .option('--refill-every <time>', 'with --refill: how often, such as 1h or 30d')
    .option('--expires <time>', 'until when, such as 2026-12-31T00:00:00Z, or "none"');

export const defineKeys = (keys: Command, { withCommonOptions, insecureOf }: CommandFrame): void => {
  keys.description('API keys, in the store of the configuration');

  const command = (name: string, description: string): Command =>
    withCommonOptions(keys.command(name)).description(description);

  const whole = <T extends Given>(options: T): T & CommandOptions => ({ ...options, insecure: insecureOf(options) });

  withFields(command('create', 'make a key and print it, once'))
    .requiredOption('-u, --user <id>', 'whose key it is')
    .requiredOption('-n, --name <name>', 'what it is for')
    .action(async (options: Given & FieldOptions) => {
      const { createKey } = await import('./keys.ts');
      process.exitCode = await createKey(whole(options));
    });

  command('list', "list a user's keys, or all, the newest first")
    .argument('[user]', 'whose keys')
    .action(async (user: string | undefined, options: Given) => {
      const { listKeys } = await import('./keys.ts');
      process.exitCode = await listKeys(user, whole(options));
    });

  const ofOne = (name: string, description: string): Command =>
    command(name, description).argument('<id>', 'as shown by "keys list"');

  ofOne('show', 'show a key, without its secret').action(async (id: string, options: Given) => {
    const { showOne } = await import('./keys.ts');
    process.exitCode = await showOne(id, whole(options));
  });

  withFields(ofOne('update', 'change a key; what is left out stays'))
    .option('-n, --name <name>', 'what it is for')
    .action(async (id: string, options: Given & FieldOptions) => {
      const { updateKey } = await import('./keys.ts');
      process.exitCode = await updateKey(id, whole(options));
    });

  ofOne('rotate', 'give a key a new secret and print it, once')
    .requiredOption('--overlap <time>', 'how long the former secret still opens: 0, or a time such as 12h')
    .action(async (id: string, options: Given & Readonly<{ overlap?: string }>) => {
      const { rotateKey } = await import('./key-life.ts');
      process.exitCode = await rotateKey(id, whole(options));
    });

  for (const [name, description] of [
    ['disable', 'refuse a key until it is enabled again'],
    ['enable', 'let a disabled key be used again'],
    ['revoke', 'revoke a key for good'],
  ] as const) {
    ofOne(name, description).action(async (id: string, options: Given) => {
      const { disableKey, enableKey, revokeKey } = await import('./key-life.ts');
      process.exitCode = await { disable: disableKey, enable: enableKey, revoke: revokeKey }[name](id, whole(options));
    });
  }

  command('import', 'take over keys that were made elsewhere, by their SHA-256 hashes')
    .argument('<file>', 'JSON as POST /api/keys/import takes it, of any length; "-" is the standard input')
    .action(async (file: string, options: Given) => {
      const { importKeys } = await import('./key-import.ts');
      process.exitCode = await importKeys(file, whole(options));
    });

  command('verify', 'say whether the key on the standard input may be used; exits 1 where not')
    .option('--client-ip <address>', 'from where it would be used')
    .action(async (options: Given & Readonly<{ clientIp?: string }>) => {
      const { verifyKey } = await import('./key-import.ts');
      process.exitCode = await verifyKey(whole(options));
    });
};
