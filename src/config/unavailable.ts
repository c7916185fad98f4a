import type { Config } from './config.ts';
import { formatPath, type Path } from './path.ts';
import type { Problem } from './problem.ts';

type Used = (value: unknown) => boolean;

/** What validates and is not there yet. A feature that lands takes its row away. */
// biome-ignore format: a table is read by its columns
export const notYet: readonly (readonly [where: string, used: Used, feature: string])[] = [
];

const entriesOf = (value: unknown): [string | number, unknown][] => {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
};

type At = Readonly<{ path: Path; value: unknown }>;

const at = (config: Config, where: string): At[] => {
  const steps = where.replaceAll('[]', '.[]').split('.');
  return steps.reduce<At[]>(
    (found, step) =>
      found.flatMap(({ path, value }) =>
        entriesOf(value)
          .filter(([key]) => (step === '[]' ? typeof key === 'number' : key === step))
          .map(([key, inner]) => ({ path: [...path, key], value: inner })),
      ),
    [{ path: [], value: config }],
  );
};

/** The parts of a valid configuration that this version cannot do yet. `place` says where each stands in its file. */
export const unavailable = (
  config: Config,
  place: (path: Path) => Pick<Problem, 'file' | 'line' | 'column' | 'path'> = (path) => ({
    file: 'configuration',
    line: 0,
    column: 0,
    path: formatPath(path),
  }),
): Problem[] =>
  notYet.flatMap(([where, used, feature]) =>
    at(config, where).flatMap(({ path, value }) =>
      used(value) ? [{ ...place(path), message: `${feature} is not available yet` }] : [],
    ),
  );
