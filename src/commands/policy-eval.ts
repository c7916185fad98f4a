/** `sallyport policy eval`: exits 0 where the request would pass, 1 where it would not, 2 where it was asked wrongly. */
import { readFileSync } from 'node:fs';
import { openPolicy } from '../assemble/policy.ts';
import { concludePolicy } from '../checks/policy.ts';
import type { PolicyAnswer, PolicyEngine } from '../checks/policy-engine.ts';
import { expectedQuery, isPolicyQuery } from '../config/check-policy.ts';
import type { Config } from '../config/config.ts';
import { isRefusal, refusalKinds } from '../core/refusal.ts';
import { ReloadRefused } from '../reload/refused.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

export type EvalOptions = CommandOptions & Readonly<{ query: string; input: string }>;

type PolicyConfig = NonNullable<Config['policy']>;

const STANDARD_INPUT = 0;

class WrongInput extends Error {}

const readInput = (file: string): string => {
  try {
    const text = readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8');
    // Written anew as the service writes it: blanks do not count.
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    const what = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new WrongInput(`--input ${file}: ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const answerOf = (engine: PolicyEngine, { query }: EvalOptions, input: string, most: number) => {
  const bytes = Buffer.byteLength(input);
  if (bytes <= most) return engine.evaluate(query, input);
  const cause = new RangeError(`the input has ${bytes} bytes, and policy.max_input_size is ${most}`);
  return { outcome: 'failed', cause } as const;
};

const shown = (query: string, answer: PolicyAnswer): string => {
  switch (answer.outcome) {
    case 'value':
      return `${query} = ${JSON.stringify(answer.value, undefined, 2)}`;
    case 'undefined':
      return `${query} is undefined`;
    case 'timeout':
      return `${query} was not answered within policy.timeout`;
    case 'failed':
      return `${query} failed`;
  }
};

const messageOf = (cause: unknown): string | undefined =>
  cause === undefined ? undefined : cause instanceof Error ? cause.message : String(cause);

const report = (answer: PolicyAnswer, { query, json }: EvalOptions, { expose_reasons }: PolicyConfig): number => {
  const verdict = concludePolicy(query, answer, expose_reasons);
  const findings = verdict?.findings;
  const refusal = isRefusal(verdict) ? verdict : undefined;
  const cause = messageOf(refusal?.cause);
  const status = refusal && refusalKinds[refusal.code].status;
  if (json) {
    const { outcome } = answer;
    const value = answer.outcome === 'value' ? { value: answer.value } : {};
    const refused = refusal && { refusal: { code: refusal.code, status, detail: refusal.detail, cause } };
    say(JSON.stringify({ query, outcome, ...value, allowed: !refusal, ...refused, ...findings }));
  } else {
    say(shown(query, answer));
    if (cause !== undefined) say(cause);
    for (const reason of findings?.reasons ?? []) say(`reason: ${reason}`);
    say(refusal ? `the request would be refused: ${status} ${refusal.code}` : 'the request would pass the policy');
  }
  return refusal ? 1 : 0;
};

export const evalPolicy = async (options: EvalOptions): Promise<number> => {
  const { query, input } = options;
  if (!isPolicyQuery(query)) {
    fail(`--query ${query}: expected ${expectedQuery}`);
    return 2;
  }
  try {
    const text = readInput(input);
    const loaded = await loadToServe(options);
    if (!loaded) return 1;
    const { policy } = loaded.config;
    if (!policy) {
      fail('there is no policy in the configuration: say where it is, such as policy: { path: policies }');
      return 1;
    }
    const engine = await openPolicy(loaded.config, policy, [query], Date.now);
    try {
      return report(await answerOf(engine, options, text, policy.max_input_size), options, policy);
    } finally {
      await engine.close();
    }
  } catch (error) {
    if (!(error instanceof WrongInput) && !(error instanceof ReloadRefused)) throw error;
    fail(error.message);
    return error instanceof WrongInput ? 2 : 1;
  }
};
