import type { Path } from '../path.ts';
import { isMapping } from '../schema/forms.ts';

/** A value of a document and where it stands. Undefined where it is left out. */
export type At = Readonly<{ path: Path; value: unknown }>;

const items = ({ path, value }: At): At[] =>
  Array.isArray(value) ? value.map((item, index) => ({ path: [...path, index], value: item })) : [];

const inner = ({ path, value }: At, key: string): At => ({
  path: [...path, key],
  value: isMapping(value) ? value[key] : undefined,
});

/** `containers[].resources.limits.cpu`: one for each container, whether it says so or not. */
export const expand = (root: unknown, where: string): readonly At[] =>
  where
    .replaceAll('[]', '.[]')
    .split('.')
    .reduce<At[]>(
      (found, step) => found.flatMap((at) => (step === '[]' ? items(at) : [inner(at, step)])),
      [{ path: [], value: root }],
    );
