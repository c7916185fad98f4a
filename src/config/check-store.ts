import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import type { Path } from './path.ts';

type Keeping = Readonly<{ what: string; path: Path }>;

/** What has to be there again for another thread, and after a restart. */
const keptIn = ({ rules, proxy, egress, cashu, usage, billing }: Config): Keeping[] => [
  ...rules.flatMap(({ accept }, index) =>
    accept.includes('api_key') ? [{ what: 'API keys', path: ['rules', index, 'accept'] }] : [],
  ),
  ...(proxy?.auth?.accept.includes('api_key') ? [{ what: 'API keys', path: ['proxy', 'auth', 'accept'] }] : []),
  ...Object.entries(egress?.targets ?? {}).flatMap(([name, { callers }]) =>
    callers?.allow.some(({ api_key }) => api_key !== undefined)
      ? [{ what: 'API keys', path: ['egress', 'targets', name, 'callers'] }]
      : [],
  ),
  ...(cashu.mints.length > 0 ? [{ what: 'payments', path: ['cashu', 'mints'] }] : []),
  ...(usage ? [{ what: 'usage', path: ['usage'] }] : []),
  ...(billing ? [{ what: 'usage', path: ['billing'] }] : []),
];

/** `sqlite::memory:` is for a sidecar that keeps nothing. Whatever is kept there would be lost, and not be found before that. */
export const checkStore = (config: Config): Finding[] => {
  if (config.store.type !== 'sqlite' || config.store.path !== ':memory:') return [];
  const [kept] = keptIn(config);
  if (!kept) return [];
  return [
    {
      path: ['store'],
      message: `in memory it cannot keep ${kept.what}, which are wanted by`,
      refersTo: kept.path,
      hint: 'name a file, as in sqlite:data/sallyport.db',
      reads: [kept.path],
    },
  ];
};
