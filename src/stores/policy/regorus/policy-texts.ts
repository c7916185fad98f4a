/** From the files of a policy to what the engine takes in: Rego, and one JSON object for each file of data. */
import { basename, dirname, extname, relative, sep } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import type { PolicyProblem } from '../../../checks/policy-engine.ts';

/** `text` of a policy is Rego; of data a JSON object that is merged into `data`. */
export type PolicyText = Readonly<{ file: string; text: string }>;

export type PolicyTexts = Readonly<{
  policies: readonly PolicyText[];
  data: readonly PolicyText[];
  problems: readonly PolicyProblem[];
}>;

type Read = Readonly<{ text: string }> | Readonly<{ problem: PolicyProblem }>;

const wrong = (
  file: string,
  message: string,
  place: Partial<Pick<PolicyProblem, 'line' | 'column' | 'hint'>> = {},
) => ({
  problem: { file, line: 0, column: 0, message, ...place },
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The text itself goes into the engine, so that no number loses a digit. */
const readJson = (file: string, text: string): Read => {
  try {
    JSON.parse(text);
    return { text };
  } catch (error) {
    const [, line = '0', column = '0'] = /line (\d+) column (\d+)/.exec(messageOf(error)) ?? [];
    return wrong(file, `is not JSON: ${messageOf(error)}`, { line: Number(line), column: Number(column) });
  }
};

const readYaml = (file: string, text: string): Read => {
  try {
    return { text: JSON.stringify(parseYaml(text) ?? {}) };
  } catch (error) {
    const { line = 0, col: column = 0 } = (error instanceof YAMLParseError && error.linePos?.[0]) || {};
    return wrong(file, `is not YAML: ${messageOf(error).replace(/(?: at line |\n)[\s\S]*/, '')}`, { line, column });
  }
};

/** Data lie at the path of their folder, as in OPA. */
const readData = (path: string, file: string, text: string): Read => {
  const read = extname(file) === '.json' ? readJson(file, text) : readYaml(file, text);
  if ('problem' in read) return read;
  const folders = relative(path, dirname(file)).split(sep).filter(Boolean);
  if (folders.length === 0 && !/^\s*\{/.test(read.text)) {
    return wrong(file, 'holds no object', { hint: 'what lies at the root of data has keys' });
  }
  return { text: folders.reduceRight((inner, folder) => `{${JSON.stringify(folder)}:${inner}}`, read.text) };
};

/** `files` are the texts of the directory `path`, by their names. */
export const readTexts = (path: string, files: Readonly<Record<string, string>>): PolicyTexts => {
  const entries = Object.entries(files).map(([file, text]) => ({ file, text }));
  const isRego = ({ file }: PolicyText): boolean => extname(basename(file)) === '.rego';
  const read = entries
    .filter((entry) => !isRego(entry))
    .map(({ file, text }) => ({ file, ...readData(path, file, text) }));
  return {
    policies: entries.filter(isRego),
    data: read.flatMap((one) => ('text' in one ? [one] : [])),
    problems: read.flatMap((one) => ('problem' in one ? [one.problem] : [])),
  };
};
