import { parseAddress } from '../address.ts';
import { networkProblem, normaliseNetwork } from '../range.ts';
import { leaf, Wrong } from './leaf.ts';
import { text } from './texts.ts';

/** Where a listener listens. */
export const address = text({
  label: 'address',
  expected: 'an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"',
  placeholder: ':0',
  check: (raw) => (parseAddress(raw) ? raw : new Wrong('not an address')),
});

/** Host and port of a server, as Redis clients take them. */
export const endpoint = text({
  label: 'host:port',
  expected: 'host and port such as "redis:6379"',
  placeholder: 'placeholder:1',
  check: (raw) => (parseAddress(raw)?.host ? raw : new Wrong('not host and port')),
});

/** One address or one range, kept in the form of a range. */
export const network = text({
  label: 'network',
  expected: 'a range such as 10.0.0.0/8, or one address',
  placeholder: '127.0.0.1/32',
  check: (raw) => {
    const problem = networkProblem(raw);
    return problem ? new Wrong(...problem) : normaliseNetwork(raw);
  },
});

type UrlOptions = Readonly<{ schemes?: readonly string[]; expected?: string; bare?: boolean; also?: string }>;

const urlProblem = (raw: string, { schemes = [], bare }: UrlOptions): Wrong | undefined => {
  if (!URL.canParse(raw)) return new Wrong('not a URL');
  const url = new URL(raw);
  if (!schemes.includes(url.protocol.slice(0, -1))) return new Wrong('not a URL of the right scheme');
  if (url.username || url.password) return new Wrong('a URL that holds a user name or password');
  if (url.hash) return new Wrong('a URL with a fragment (#…)');
  return bare && (url.search || raw.includes('?')) ? new Wrong('a URL with a query (?…)') : undefined;
};

/** An absolute URL, kept as written. Credentials in it are refused: they would end in logs. */
export const url = (options: UrlOptions = {}) => {
  const { schemes = ['https', 'http'], expected = 'a URL such as https://example.com/path', also } = options;
  return leaf<string>({
    label: also ? `URL | ${also}` : 'URL',
    expected,
    json: {
      type: 'string',
      pattern: `^(${schemes.join('|')})://${also ? `|^${also.replace('*', '\\*')}$` : ''}|\\$\\{`,
    },
    placeholder: 'https://placeholder.invalid',
    read: (raw) => {
      if (typeof raw !== 'string') return undefined;
      if (raw === also) return raw;
      return urlProblem(raw, { ...options, schemes }) ?? raw;
    },
  });
};
