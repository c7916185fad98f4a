/** `sallyport pods`: works on the store itself, whether the service runs or not. */
import { showPod } from '../http/admin/pod-shapes.ts';
import type { PodRow, PodStore } from '../pods/pod-store.ts';
import { type CommandOptions, fail, say } from './load.ts';
import { withStores } from './with-stores.ts';

type ListOptions = CommandOptions & Readonly<{ all?: boolean }>;

const PAGE = 500;

const allRows = async (pods: PodStore, alive: boolean, after?: string): Promise<readonly PodRow[]> => {
  const rows = await pods.list({ alive, limit: PAGE, ...(after !== undefined && { after }) });
  return rows.length < PAGE ? rows : [...rows, ...(await allRows(pods, alive, rows.at(-1)?.name))];
};

const describe = (row: PodRow): string => {
  const { name, state, template, amount, unit, payment, expires_at } = showPod(row);
  return `${name}  ${state.padEnd(10)}  until ${expires_at.slice(0, 19).replace('T', ' ')}  ${template}  ${amount} ${unit}  ${payment}`;
};

export const listPods = (options: ListOptions): Promise<number> =>
  withStores(options, async ({ pods }) => {
    const rows = await allRows(pods, options.all !== true);
    const counts = await pods.counts();
    if (options.json) {
      say(JSON.stringify({ pods: rows.map(showPod), counts }));
      return 0;
    }
    for (const row of rows) say(describe(row));
    say(`${counts.created} running, ${counts.wanted} wanted, ${counts.reserved} places kept for payments under way`);
    return 0;
  });

const noSuchPod = (name: string): number => {
  fail(`there is no pod ${name}; "sallyport pods list --all" lists them`);
  return 1;
};

export const showOnePod = (name: string, options: CommandOptions): Promise<number> =>
  withStores(options, async ({ pods }) => {
    const row = await pods.find(name);
    if (!row) return noSuchPod(name);
    const shown = showPod(row);
    if (options.json) say(JSON.stringify(shown));
    else for (const [key, value] of Object.entries(shown)) say(`${key.padEnd(12)}${value ?? '-'}`);
    return 0;
  });

export const deletePod = (name: string, options: CommandOptions): Promise<number> =>
  withStores(options, async ({ pods }) => {
    const row = await pods.find(name);
    if (!row) return noSuchPod(name);
    if (!(await pods.end(name, 'deleted', Date.now()))) {
      fail(`the pod ${name} has ended before (${row.ending ?? 'just now'})`);
      return 1;
    }
    say(
      options.json
        ? JSON.stringify({ deleted: name })
        : `${name} is ended, and so is its payer's time; a running service takes it away within pods.reap_interval`,
    );
    return 0;
  });
