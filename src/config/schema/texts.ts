import { type Kind, leaf, orVariable, Wrong } from './leaf.ts';

const controlCharacter = /\p{Cc}/u;

type TextOptions = Readonly<{
  label?: string;
  expected?: string;
  /** Must match the whole text. Written without anchors. */
  pattern?: RegExp | undefined;
  placeholder?: string;
  longest?: number;
  hint?: string;
  /** A last look at a text that matches; answers with the text to keep. */
  check?: (text: string) => string | Wrong;
}>;

const readText = (raw: unknown, { pattern, longest = 2048, hint, check }: TextOptions): string | Wrong | undefined => {
  if (typeof raw === 'number' || typeof raw === 'boolean') return new Wrong('not text', 'put the value in quotes');
  if (typeof raw !== 'string') return undefined;
  if (raw === '') return new Wrong('empty');
  if (raw.length > longest) return new Wrong(`longer than ${longest} characters`);
  if (controlCharacter.test(raw)) return new Wrong('holds a line break or another control character');
  if (pattern && !pattern.test(raw)) return new Wrong('not of the right form', hint);
  return check ? check(raw) : raw;
};

/** One line of text. */
export const text = (options: TextOptions = {}) => {
  const { label = 'text', expected = 'text', placeholder = 'placeholder' } = options;
  const pattern = options.pattern && new RegExp(`^(?:${options.pattern.source})$`, options.pattern.flags);
  const json = pattern ? { type: 'string', pattern: `${pattern.source}|\\$\\{` } : { type: 'string', minLength: 1 };
  return leaf<string>({ label, expected, json, placeholder, read: (raw) => readText(raw, { ...options, pattern }) });
};

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** One word of a fixed set. Numbers count as their text, so that `min_version: 1.2` needs no quotes. */
export const choice = <const Word extends string>(words: readonly [Word, ...Word[]]) => {
  const isWord = (value: string): value is Word => words.some((word) => word === value);
  const kind: Kind<Word> = {
    label: words.join(' | '),
    expected: listed(words),
    json: orVariable({ enum: [...words, ...words.filter((word) => /^\d/.test(word)).map(Number)] }),
    placeholder: words[0],
    read: (raw) => {
      const word = typeof raw === 'number' ? String(raw) : raw;
      if (typeof word !== 'string') return undefined;
      return isWord(word) ? word : new Wrong('not one of the words allowed here');
    },
  };
  return leaf(kind);
};

export const name = text({
  label: 'name',
  expected: 'a name of lower-case letters, digits, "-" and "_"',
  pattern: /[a-z0-9][a-z0-9_-]*/,
  longest: 64,
});

/** An absolute path of a URL, without query. */
export const urlPath = text({
  label: 'path',
  expected: 'a path that begins with "/", without "?" and "#"',
  pattern: /\/[^?#\s]*/,
  placeholder: '/placeholder',
});

export const filePath = text({ label: 'file', expected: 'the path of a file' });

export const hostPattern = text({
  label: 'host',
  expected: 'a host name such as api.example.com or *.example.com, without scheme and port',
  pattern:
    /(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\]/,
  longest: 253,
  check: (host) => host.toLowerCase(),
});

export const method = text({
  label: 'method',
  expected: 'an HTTP method in capitals, such as GET',
  pattern: /[A-Z][A-Z0-9!#$%&'*+.^_`|~-]*/,
  placeholder: 'GET',
  longest: 32,
});
