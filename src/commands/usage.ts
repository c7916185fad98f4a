/** `sallyport usage`: works on the store itself, whether the service runs or not. */
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { toQuestion, usageQuery } from '../http/admin/usage-query.ts';
import { wrong } from '../http/admin/wrong-fields.ts';
import { placeOf, type ShownUsage, showUsage as show } from '../usage/question.ts';
import type { UsageQuestion, UsageStore, UsageSum } from '../usage/usage-store.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { withStores } from './with-stores.ts';

type UsageOptions = CommandOptions &
  Readonly<{ key?: string; user?: string; rule?: string; from?: string; to?: string; window?: string; by?: string }>;

const PAGE = 1_000;

/** Parameters of the admin API whose option is called otherwise. */
const optionNames: Readonly<Record<string, string>> = { key_id: 'key', user_id: 'user', group_by: 'by' };

const optionOf = (field: string): string => `--${optionNames[field] ?? field}`;

const readQuestion = ({ key, user, rule, from, to, window, by }: UsageOptions): UsageQuestion | Refusal => {
  const given = { key_id: key, user_id: user, rule, from, to, window, group_by: by };
  const parsed = usageQuery.safeParse(given);
  return parsed.success ? toQuestion(parsed.data, Date.now()) : wrong(parsed.error);
};

const readAll = async (store: Pick<UsageStore, 'sum'>, question: UsageQuestion): Promise<UsageSum[]> => {
  const all: UsageSum[] = [];
  for (let last: UsageSum | undefined; ; ) {
    const page = await store.sum({ ...question, limit: PAGE, after: last && placeOf(last) });
    all.push(...page);
    last = page.at(-1);
    if (!last || page.length < PAGE) return all;
  }
};

const columns = [
  'start',
  'key_id',
  'user_id',
  'rule',
  'requests',
  'billable_requests',
  'request_bytes',
  'response_bytes',
  'duration_ms',
] as const;

/** Names come from tokens and access logs, and a terminal obeys control characters. */
const printable = (value: string | number | undefined): string =>
  String(value ?? '').replaceAll(/\p{Cc}/gu, '\ufffd') || '-';

const table = (shown: readonly ShownUsage[]): string => {
  const present = columns.filter((column) => shown.some((one) => one[column] !== undefined));
  const rows = [present, ...shown.map((one) => present.map((column) => printable(one[column])))];
  const widths = present.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

export const showUsage = async (options: UsageOptions): Promise<number> => {
  const question = readQuestion(options);
  if (isRefusal(question)) {
    fail(question.detail.replaceAll(/(^|; )(\w+)(?:\.\d+)?:/g, (_, start, field) => `${start}${optionOf(field)}:`));
    return 2;
  }
  return withStores(options, async ({ usage }, config) => {
    const shown = (await readAll(usage, question)).map(show);
    const [from, to] = [question.fromMs, question.toMs].map((ms) => new Date(ms).toISOString());
    if (options.json) say(JSON.stringify({ from, to, window: question.window, usage: shown }));
    else if (shown.length > 0) say(table(shown));
    else {
      const unrecorded = config.usage ? '' : ': it is not recorded, for the configuration has no block "usage"';
      fail(`nothing was used from ${from} to ${to}${unrecorded}`);
    }
    return 0;
  });
};
