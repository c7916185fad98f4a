/** Reads a Dockerfile: the part of its grammar that ours uses, and no more. What is not known is an error. */

export type Instruction = Readonly<{
  name: string;
  /** `--from=build` as `{ from: 'build' }`. */
  flags: Readonly<Record<string, string>>;
  /** What follows the flags; for the exec form (a JSON list) its elements. */
  words: readonly string[];
  /** The same as it was written. */
  text: string;
  form: 'exec' | 'shell';
  /** The file that a heredoc (`<<'NAME'`) brings. */
  content?: string;
}>;

export type Stage = Readonly<{ name: string; base: string; instructions: readonly Instruction[] }>;

const known = [
  ...['ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'RUN', 'STOPSIGNAL'],
  ...['USER', 'VOLUME', 'WORKDIR'],
];

const isList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

const parseList = (text: string): string[] | undefined => {
  if (!text.startsWith('[')) return undefined;
  const value: unknown = JSON.parse(text);
  if (!isList(value)) throw new Error(`Not a list of texts: ${text}`);
  return value;
};

/** `KEY=value KEY="a value"`, as ENV and LABEL have it. */
export const pairsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/([\w.-]+)=(?:"([^"]*)"|(\S+))/g)].map(([, key = '', quoted, plain]) => [
      key,
      quoted ?? plain ?? '',
    ]),
  );

const parseInstruction = (line: string, content: string | undefined): Instruction => {
  const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/s.exec(line) ?? [];
  if (!known.includes(name)) throw new Error(`Not an instruction of this subset: ${line}`);
  const flags: Record<string, string> = {};
  const text = rest.replace(/^(?:--[a-z-]+=\S+\s+)+/, (found) => {
    for (const [, key = '', value = ''] of found.matchAll(/--([a-z-]+)=(\S+)/g)) flags[key] = value;
    return '';
  });
  const list = parseList(text);
  const words = list ?? text.split(/\s+/);
  return { name, flags, words, text, form: list ? 'exec' : 'shell', ...(content === undefined ? {} : { content }) };
};

/** Joins continued lines, leaves comments out and takes heredocs with the instruction that opens them. */
const instructionsOf = (text: string): Instruction[] => {
  const lines = text.split('\n');
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at] ?? '';
    if (line.trim() === '' || line.startsWith('#')) continue;
    while (line.endsWith('\\')) line = line.slice(0, -1) + (lines[++at] ?? '').trimStart();
    const [opening, end] = /<<'([A-Z]+)'/.exec(line) ?? [];
    if (opening === undefined) {
      instructions.push(parseInstruction(line, undefined));
      continue;
    }
    const close = lines.indexOf(end ?? '', at + 1);
    if (close < 0) throw new Error(`No end of ${opening}`);
    const content = `${lines.slice(at + 1, close).join('\n')}\n`;
    instructions.push(parseInstruction(line, content));
    at = close;
  }
  return instructions;
};

export const parseDockerfile = (text: string): Stage[] => {
  const given: Record<string, string> = {};
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === 'FROM') {
      const [base = '', , name = ''] = instruction.words;
      const resolved = base.replace(/\$\{(\w+)\}/g, (_, key: string) => given[key] ?? '');
      stages.push({ name, base: resolved, instructions: [] });
    } else if (stage) {
      stage.instructions.push(instruction);
    } else {
      Object.assign(given, pairsOf(instruction.text));
    }
  }
  return stages;
};

/** The last instruction of a name: the one that counts. */
export const lastOf = ({ instructions }: Stage, name: string): Instruction => {
  const found = instructions.findLast((instruction) => instruction.name === name);
  if (!found) throw new Error(`The stage has no ${name}`);
  return found;
};
