/**
 * One thing wrong with the configuration. `file` is the file as it was named, or the environment variable; `line` and
 * `column` count from 1 and are 0 where there is no line to show. No field ever holds the value of a secret.
 */
export type Problem = Readonly<{
  file: string;
  line: number;
  column: number;
  path: string;
  message: string;
  found?: string;
  expected?: string;
  hint?: string;
}>;

/** Everything wrong at once, in the order in which a reader meets it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

/** `sallyport.yaml:12:5 rules[1].match.pth: unknown key; did you mean "path"?` */
export const formatProblem = ({ file, line, column, path, message, found, expected, hint }: Problem): string => {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const where = path === '' ? place : `${place} ${path}`;
  const facts = [found && `found ${found}`, expected && `expected ${expected}`].filter(Boolean).join(', ');
  return `${where}: ${[message, facts, hint].filter(Boolean).join('; ')}`;
};

/** Nobody reads further, and a wrong file may hold a hundred thousand. */
const mostLines = 200;

/** One line a problem. */
export const formatProblems = (problems: readonly Problem[]): string => {
  const lines = problems.slice(0, mostLines).map(formatProblem);
  const more = problems.length - lines.length;
  return [...lines, ...(more > 0 ? [`… and ${more} more problems`] : [])].join('\n');
};

/** Problems in the order of their places; those without a line (the file itself, the environment) come first. */
export const sortProblems = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
