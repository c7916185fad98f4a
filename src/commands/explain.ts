/** `sallyport explain`: exits 0 where the call would be made, 1 where it would be refused, 2 where it was asked wrongly. */

import type { Explanation } from './explain-egress.ts';
import { runExplainRequest } from './explain-request.ts';
import { expectedCaller, readCaller } from './explained-caller.ts';
import type { QuestionOptions } from './explained-question.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

export type ExplainOptions = CommandOptions &
  Omit<QuestionOptions, 'request'> &
  Readonly<{ egress?: string; request?: string; as: readonly string[] }>;

/** Of a path alone: no route is for it (RFC 6761). */
const NO_HOST = 'sallyport.invalid';

/** The target as a client sends it: `URL` would take the dots out of its path. */
const readUrl = (text: string): { host: string; target: string } | undefined => {
  if (text.includes('#')) return undefined;
  if (text.startsWith('/')) return { host: NO_HOST, target: text };
  const [, host, target = ''] = /^https?:\/\/([^/?@]+)([/?].*)?$/s.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { host, target: target.startsWith('/') ? target : `/${target}` };
};

const widthOf = ({ steps }: Explanation): number => Math.max(...steps.map(({ step }) => step.length));

const asText = (explanation: Explanation): string => {
  const width = widthOf(explanation);
  const lines = explanation.steps.map(({ step, says }) => `${step.padEnd(width)}  ${says}`);
  return [...lines, explanation.allowed ? 'the call would be made' : 'the call would be refused'].join('\n');
};

const used = (wrong: string): number => {
  fail(wrong);
  return 2;
};

export const runExplain = async (options: ExplainOptions): Promise<number> => {
  const { egress, request, method = 'GET', as, json } = options;
  if (request !== undefined) {
    if (egress !== undefined) return used('either --request or --egress');
    if (as.length > 0) return used('--as is for --egress: a request is asked with its own credentials (--header)');
    return runExplainRequest({ ...options, request });
  }
  if (egress === undefined)
    return used('say which request, --request FILE or URL, or which call of egress: --egress URL');
  const asked = readUrl(egress);
  if (!asked) return used('--egress: expected a URL, or a path such as /ext/stripe/charges, without a fragment');
  const facts = readCaller(as);
  if (typeof facts === 'string') return used(`--as ${facts}: expected ${expectedCaller}, each at most once`);
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { explainEgress } = await import('./explain-egress.ts');
  const explanation = await explainEgress(loaded.config, { ...asked, method, facts });
  say(json ? JSON.stringify(explanation) : asText(explanation));
  return explanation.allowed ? 0 : 1;
};
