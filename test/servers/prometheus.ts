import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type Sample = Readonly<{ labels: Readonly<Record<string, string>>; value: number }>;

export type Rule = Readonly<{ name: string; query: string; health: string }>;

export type Prometheus = Server &
  Readonly<{
    /** Evaluates an expression now. Throws where Prometheus cannot. */
    query(expression: string): Promise<readonly Sample[]>;
    /** The rules that were loaded, as they were last evaluated. */
    rules(): Promise<readonly Rule[]>;
  }>;

type Options = ServerOptions & Readonly<{ config: string }>;

type Vector = Readonly<{ metric: Readonly<Record<string, string>>; value: readonly [number, string] }>;

/** The real Prometheus; `config` is the path of its configuration. */
export async function startPrometheus(options: Options): Promise<Prometheus> {
  const server = await startServer(options, {
    name: 'prometheus',
    launch: (directory, port) => ({
      command: locate('prometheus'),
      args: [
        `--config.file=${options.config}`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      ready: () =>
        fetch(`http://127.0.0.1:${port}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
    }),
  });

  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${server.url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };

  return {
    ...server,

    async query(expression) {
      const { result } = await ask<{ result: readonly Vector[] }>(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },

    async rules() {
      const { groups } = await ask<{ groups: readonly { rules: readonly Rule[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules);
    },
  };
}
