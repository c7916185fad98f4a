/** The command line. Exits 0, 1 (refused, found wrong) or 2 (used wrong). */
import { Command, CommanderError, Option } from 'commander';
import { defineKeys } from './commands/define-keys.ts';
import { definePolicy } from './commands/define-policy.ts';
import { nearest } from './config/nearest.ts';
import { insecureMeanings } from './config/unsafe.ts';
import { keepTick } from './kept-tick.ts';

keepTick();

// cashu-ts looks whether it is there, and to look loads all of undici: 4 MB for what nothing here uses.
Reflect.deleteProperty(globalThis, 'WebSocket');

export type GlobalOptions = Readonly<{ config?: string; json?: boolean; [flag: string]: unknown }>;

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The `--insecure-…` flags that were given, without their dashes. */
const insecureOf = (options: GlobalOptions): ReadonlySet<string> =>
  new Set(
    Object.keys(options)
      .map(kebab)
      .filter((name) => name.startsWith('insecure-')),
  );

const withCommonOptions = (command: Command): Command => {
  command.option('-c, --config <file>', 'configuration file');
  command.option('--json', 'write JSON');
  for (const [flag, meaning] of Object.entries(insecureMeanings)) {
    command.addOption(new Option(`--${flag}`, `allow ${meaning}`).hideHelp());
  }
  return command;
};

const program = new Command('sallyport')
  .description('Forward-auth service for NGINX, Traefik, Envoy, Istio, Caddy and HAProxy.')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) });

/** A word that is no command goes to the default one. */
const refuseUnknown = ([word]: readonly string[]): void => {
  if (word === undefined) return;
  const meant = nearest(
    word,
    program.commands.map((command) => command.name()),
  );
  const hint = meant === undefined ? 'sallyport --help lists all' : `did you mean "${meant}"?`;
  program.error(`error: no command "${word}"; ${hint}`);
};

withCommonOptions(program.command('serve', { isDefault: true }))
  .description('answer the proxies (the default)')
  .allowExcessArguments()
  .action(async (options: GlobalOptions, { args }: Command) => {
    refuseUnknown(args);
    const { runServe } = await import('./commands/serve.ts');
    process.exitCode = await runServe({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(program.command('validate'))
  .description('check a configuration without starting')
  .argument('[file]', 'configuration file')
  .option('--without-env', 'do not mind variables and secret files that are not here')
  .action(async (file: string | undefined, options: GlobalOptions) => {
    const { runValidate } = await import('./commands/validate.ts');
    process.exitCode = await runValidate(file ?? options.config, { ...options, insecure: insecureOf(options) });
  });

withCommonOptions(program.command('explain'))
  .description('say what would become of a request or of a call of egress, and why; nothing is sent, counted or spent')
  .option(
    '--request <file>',
    'a request: a URL with the options below, or a file (- for standard input) in YAML or JSON',
  )
  .option('--header <line...>', 'of the request, NAME: VALUE; credentials are safer in a file', [])
  .option('--certificate <name>', 'client certificate of the request: a file, or CN=…,O=…, uri:…, dns:…, sha256:…')
  .option('--client-ip <address>', 'from where the request comes')
  .option('--rule <name>', 'the rule that the auth URL names')
  .option('--door <door>', 'gate or proxy, where the configuration has both')
  .option('--egress <url>', 'a call of egress: a URL, or a path such as /ext/stripe/charges')
  .option('--method <method>', 'its method; GET unless set')
  .option(
    '--as <caller...>',
    'who calls: certificate:…, jwt:ISSUER/SUBJECT, api_key:ID, an address; several at once',
    [],
  )
  .action(async (options: GlobalOptions & { method?: string; header: string[]; as: string[] }) => {
    const { runExplain } = await import('./commands/explain.ts');
    process.exitCode = await runExplain({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(program.command('reload'))
  .description('have the running service load its configuration again')
  .action(async (options: GlobalOptions) => {
    const { runReload } = await import('./commands/reload.ts');
    process.exitCode = await runReload({ ...options, insecure: insecureOf(options) });
  });

program
  .command('init')
  .description('write a commented configuration to begin with')
  .argument('[file]', 'where to; sallyport.yaml unless set')
  .option('-c, --config <file>', 'likewise')
  .option('--json', 'write JSON')
  .option('--force', 'overwrite')
  .action(async (file: string | undefined, options: GlobalOptions) => {
    const { runInit } = await import('./commands/init.ts');
    process.exitCode = runInit(file ?? options.config, options);
  });

defineKeys(program.command('keys'), { withCommonOptions, insecureOf });

const sessions = program.command('sessions').description('sessions of payers, in the store of the configuration');

withCommonOptions(sessions.command('revoke'))
  .description("end a payer's sessions")
  .argument('<payment>', 'the id of one of their payments, as in the log and in "wallet history"')
  .action(async (payment: string, options: GlobalOptions) => {
    const { revokeSessions } = await import('./commands/sessions.ts');
    process.exitCode = await revokeSessions(payment, { ...options, insecure: insecureOf(options) });
  });

const pods = program.command('pods').description('pods that payments started, in the store of the configuration');

withCommonOptions(pods.command('list'))
  .description('those that run or are to run, by name')
  .option('--all', 'also those that have ended')
  .action(async (options: GlobalOptions) => {
    const { listPods } = await import('./commands/pods.ts');
    process.exitCode = await listPods({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(pods.command('show'))
  .description('one of them')
  .argument('<name>', 'user-pod-…')
  .action(async (name: string, options: GlobalOptions) => {
    const { showOnePod } = await import('./commands/pods.ts');
    process.exitCode = await showOnePod(name, { ...options, insecure: insecureOf(options) });
  });

withCommonOptions(pods.command('delete'))
  .description("end a pod and its payer's time; nothing is given back")
  .argument('<name>', 'user-pod-…')
  .action(async (name: string, options: GlobalOptions) => {
    const { deletePod } = await import('./commands/pods.ts');
    process.exitCode = await deletePod(name, { ...options, insecure: insecureOf(options) });
  });

withCommonOptions(program.command('usage'))
  .description('who used what, in the store of the configuration')
  .option('--key <id>', 'of this key')
  .option('--user <id>', 'of this user')
  .option('--rule <name>', 'of this rule')
  .option('--from <time>', 'a day, or a time in UTC')
  .option('--to <time>', 'likewise; now unless set')
  .option('--window <window>', 'hour, day or month')
  .option('--by <groups>', 'key, user, rule, or several with commas between them')
  .action(async (options: GlobalOptions) => {
    const { showUsage } = await import('./commands/usage.ts');
    process.exitCode = await showUsage({ ...options, insecure: insecureOf(options) });
  });

const billing = program.command('billing').description('usage on its way to Stripe, in the store of the configuration');

withCommonOptions(billing.command('status'))
  .description('what waits, what needs a decision, how telling goes')
  .action(async (options: GlobalOptions) => {
    const { showBilling } = await import('./commands/billing.ts');
    process.exitCode = await showBilling({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(billing.command('reconcile'))
  .description('list events that a person has to decide on')
  .option('--state <state>', '"waiting" for those not taken yet, "dry" for what would be told', 'reconcile')
  .action(async (options: GlobalOptions) => {
    const { listReconciliation } = await import('./commands/billing.ts');
    process.exitCode = await listReconciliation({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(billing.command('resolve'))
  .description('decide what becomes of events')
  .argument('<id...>', 'as shown by "billing reconcile"')
  .option('--sent', 'Stripe has them')
  .option('--resend', 'send them again; with the time of now where theirs is too old')
  .option('--drop', 'bill them never')
  .option('--customer <id>', 'with --resend: who is billed instead')
  .action(async (ids: string[], options: GlobalOptions) => {
    const { resolveBilling } = await import('./commands/billing.ts');
    process.exitCode = await resolveBilling(ids, { ...options, insecure: insecureOf(options) });
  });

const customers = program.command('customers').description('users who are billed, in the store of the configuration');

withCommonOptions(customers.command('put'))
  .description('bill a user from here on')
  .argument('<user>', 'whose usage')
  .argument('<customer>', 'the id of a customer at Stripe')
  .action(async (user: string, customer: string, options: GlobalOptions) => {
    const { putCustomer } = await import('./commands/billing.ts');
    process.exitCode = await putCustomer(user, customer, { ...options, insecure: insecureOf(options) });
  });

withCommonOptions(customers.command('list'))
  .description('who is billed to whom')
  .argument('[user]', 'this user alone')
  .action(async (user: string | undefined, options: GlobalOptions) => {
    const { showCustomers } = await import('./commands/billing.ts');
    process.exitCode = await showCustomers(user, { ...options, insecure: insecureOf(options) });
  });

withCommonOptions(customers.command('remove'))
  .description('bill a user no more from here on')
  .argument('<user>', 'whose usage')
  .action(async (user: string, options: GlobalOptions) => {
    const { removeCustomer } = await import('./commands/billing.ts');
    process.exitCode = await removeCustomer(user, { ...options, insecure: insecureOf(options) });
  });

const sandbox = program.command('sandbox').description('untrusted workloads whose calls get credentials');

withCommonOptions(sandbox.command('token'))
  .description('mint the token by which a sandbox proves itself, and print it')
  .requiredOption('--tenant <id>', 'whose credentials it gets')
  .requiredOption('--team <id>', 'the team of the tenant')
  .requiredOption('--sandbox <id>', 'which sandbox it is, for the audit log')
  .option('--ttl <time>', 'how long it is good, such as 30m or 24h', '24h')
  .action(async (options: GlobalOptions & Readonly<{ tenant: string; team: string; sandbox: string; ttl: string }>) => {
    const { makeSandboxToken } = await import('./commands/sandbox.ts');
    process.exitCode = await makeSandboxToken({ ...options, insecure: insecureOf(options) });
  });

definePolicy(program.command('policy'), { withCommonOptions, insecureOf });

const wallet = program.command('wallet').description('what payments have brought, in the store of the configuration');

withCommonOptions(wallet.command('balance'))
  .description('by mint and unit: what is held, exported, in flight, bad, and owed to payers')
  .option('--check', 'ask the mints which of it is spent')
  .action(async (options: GlobalOptions) => {
    const { showBalance } = await import('./commands/wallet.ts');
    process.exitCode = await showBalance({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(wallet.command('history'))
  .description('payments with their results, exports, and what was paid; the latest first')
  .option('--limit <n>', 'how many', '50')
  .action(async (options: GlobalOptions) => {
    const { showHistory } = await import('./commands/wallet.ts');
    process.exitCode = await showHistory({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(wallet.command('export'))
  .description('take money out as a Cashu token')
  .option('--mint <url>', 'whose money')
  .option('--amount <n>', 'how much, or "all"')
  .option('--unit <unit>', 'in which unit', 'sat')
  .option('--show <id>', 'print the token of an earlier export again')
  .action(async (options: GlobalOptions) => {
    const { exportToken } = await import('./commands/wallet.ts');
    process.exitCode = await exportToken({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(wallet.command('reseal'))
  .description('seals the secrets of the ledger with the present encryption key, so that a former one can be dropped')
  .action(async (options: GlobalOptions) => {
    const { reseal } = await import('./commands/wallet-reseal.ts');
    process.exitCode = await reseal({ ...options, insecure: insecureOf(options) });
  });

withCommonOptions(wallet.command('melt'))
  .description('pay an invoice or a Lightning address')
  .option('--mint <url>', 'whose money')
  .option('--amount <n>', 'how much; an invoice must be of it')
  .option('--to <payee>', 'a BOLT 11 invoice or name@host')
  .option('--unit <unit>', 'in which unit', 'sat')
  .option('--max-fee <n>', 'most that may be kept for the way; 2 %, or 10, unless set')
  .action(async (options: GlobalOptions) => {
    const { melt } = await import('./commands/wallet-melt.ts');
    process.exitCode = await melt({ ...options, insecure: insecureOf(options) });
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
