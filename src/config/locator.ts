import { kindOf, valueText } from './describe-value.ts';
import type { Finding } from './finding.ts';
import { formatPath, type Path, startsWith } from './path.ts';
import type { Problem } from './problem.ts';
import { locate, type Position, type Spot } from './read/spot.ts';
import { isMapping } from './schema/forms.ts';

/** Gives findings their places. */
export type Locator = Readonly<{
  /** The problem of a finding; `at` where the place is known better than by its path. */
  problemOf: (finding: Finding, at?: Position) => Problem;
  /** The path as the file writes it, undoing short forms. */
  writtenPath: (path: Path) => Path;
}>;

type Origin = Readonly<{
  file: string;
  root: Spot;
  value: unknown;
  setBy: readonly Readonly<{ variable: string; path: Path }>[];
}>;

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((raw, segment) => {
    if (Array.isArray(raw) && typeof segment === 'number') return raw[segment];
    return isMapping(raw) ? raw[String(segment)] : undefined;
  }, root);

export const createLocator = ({ file, root, value, setBy }: Origin): Locator => {
  const placeOf = (finding: Finding): Pick<Problem, 'file' | 'line' | 'column' | 'path'> => {
    const variable = setBy.find(({ path }) => startsWith(finding.path, path))?.variable;
    if (variable !== undefined)
      return { file: `environment variable ${variable}`, line: 0, column: 0, path: formatPath(finding.path) };
    const { spot, written, exact } = locate(root, finding.path);
    const { line, column } = (finding.atKey || !exact ? spot.key : undefined) ?? spot.value;
    return { file, line, column, path: formatPath(written) };
  };

  const foundText = ({ path, found, shows = 'nothing' }: Finding): string | undefined => {
    if (found !== undefined || shows === 'nothing') return found;
    if (setBy.some((row) => startsWith(path, row.path))) return undefined;
    const { spot, written } = locate(root, path);
    const raw = valueAt(value, written);
    return shows === 'kind' ? kindOf(raw) : valueText(raw, spot.source);
  };

  return {
    problemOf: (finding, at) => {
      const { refersTo, expected, hint } = finding;
      const message = refersTo ? `${finding.message} ${formatPath(locate(root, refersTo).written)}` : finding.message;
      const found = foundText(finding);
      return {
        ...placeOf(finding),
        ...at,
        message,
        ...(found !== undefined && { found }),
        ...(expected !== undefined && { expected }),
        ...(hint !== undefined && { hint }),
      };
    },
    writtenPath: (path) => locate(root, path).written,
  };
};
