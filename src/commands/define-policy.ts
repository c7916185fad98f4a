/** The words of `sallyport policy`. What they do is loaded when one is used. */
import type { Command } from 'commander';
import type { CommandFrame } from './define-keys.ts';
import type { CommandOptions } from './load.ts';

type Given = Omit<CommandOptions, 'insecure'>;

export const definePolicy = (policy: Command, { withCommonOptions, insecureOf }: CommandFrame): void => {
  policy.description('Rego policies: run their tests, ask them a question');

  withCommonOptions(policy.command('test'))
    .description('run the rules whose names begin with test_')
    .argument('[path]', 'a directory of .rego and data files; policy.path of the configuration unless given')
    .action(async (path: string | undefined, options: Given) => {
      const { testPolicies } = await import('./policy-test.ts');
      process.exitCode = await testPolicies(path, { ...options, insecure: insecureOf(options) });
    });

  withCommonOptions(policy.command('eval'))
    .description('ask the policy of the configuration about an input, and say what becomes of the request')
    .requiredOption('--query <query>', 'what is asked, such as data.orders.allow')
    .requiredOption('--input <file>', 'the input as JSON; "-" for standard input')
    .action(async (options: Given & Readonly<{ query: string; input: string }>) => {
      const { evalPolicy } = await import('./policy-eval.ts');
      process.exitCode = await evalPolicy({ ...options, insecure: insecureOf(options) });
    });
};
