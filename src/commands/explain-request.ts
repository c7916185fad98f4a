/** `sallyport explain --request`: exits 0 where the request would be allowed, 1 where it would be refused, 2 where it was asked wrongly. */
import { isRefusal } from '../core/refusal.ts';
import type { Explanation } from '../http/admin/explain-shapes.ts';
import { type QuestionOptions, readQuestion } from './explained-question.ts';
import { type CommandOptions, fail, loadToServe, say } from './load.ts';

const asText = ({ steps, removed_headers }: Explanation): string => {
  const more = removed_headers.length > 0 ? [{ step: 'removes', says: removed_headers.join(', ') }] : [];
  const result = steps.at(-1);
  const all = [...steps.slice(0, -1), ...more, ...(result ? [result] : [])];
  const width = Math.max(...all.map(({ step }) => step.length));
  return all.map(({ step, says }) => `${step.padEnd(width)}  ${says}`).join('\n');
};

export const runExplainRequest = async (options: CommandOptions & QuestionOptions): Promise<number> => {
  const question = readQuestion(options);
  if (typeof question === 'string') {
    fail(question);
    return 2;
  }
  const loaded = await loadToServe(options);
  if (!loaded) return 1;
  const { openRehearsal } = await import('./rehearsal.ts');
  const rehearsal = await openRehearsal(loaded.config).catch((error: unknown) => {
    fail(`sallyport could not start: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (!rehearsal) return 1;
  try {
    const explained = await rehearsal.explain(question);
    if (isRefusal(explained)) {
      fail(explained.detail);
      return 2;
    }
    say(options.json ? JSON.stringify(explained) : asText(explained));
    if (!options.json && !loaded.config.redis && explained.steps.some(({ step }) => step === 'limits')) {
      fail('limits are those of a service that has just started; POST /admin/explain asks the one that runs');
    }
    return explained.allowed ? 0 : 1;
  } finally {
    await rehearsal.close();
  }
};
