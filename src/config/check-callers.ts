import type { Config } from './config.ts';
import type { Finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Path } from './path.ts';

type Callers = NonNullable<NonNullable<Config['egress']>['targets'][string]['callers']>;
type Caller = Callers['allow'][number];

/** Where calls come in: whether certificates are asked for there, and by which key. */
const certificatesAskedFor = ({ http, egress }: Config): Readonly<{ key: Path; asked: boolean }> => {
  const own = egress?.addr !== undefined;
  const tls = own ? egress.tls : http.tls;
  const asked = (tls?.enabled === true && tls.client_auth !== 'none') || egress?.forwarded_certificates === true;
  return { key: own ? ['egress', 'tls'] : ['http', 'tls'], asked };
};

const checkIssuer = ({ issuer }: Caller, at: Path, issuers: readonly string[]): Finding[] => {
  if (issuer === undefined || issuers.includes(issuer)) return [];
  const meant = nearest(issuer, [...issuers]);
  return [
    {
      path: [...at, 'issuer'],
      message: 'no issuer of this name',
      shows: 'value',
      ...(meant !== undefined && { hint: `did you mean "${meant}"?` }),
      reads: [['jwt']],
    },
  ];
};

/** What no caller could ever have is no more than a way to lock everybody out. */
const checkEntry = (caller: Caller, at: Path, config: Config): Finding[] => {
  const { certificate, issuer, subject, api_key } = caller;
  if (Object.values(caller).every((value) => value === undefined)) {
    const expected = 'at least one of certificate, issuer, source, api_key';
    return [{ path: at, message: 'names nobody', expected, reads: [at] }];
  }
  const findings = checkIssuer(
    caller,
    at,
    config.jwt.issuers.map(({ name }) => name),
  );
  if (subject !== undefined && issuer === undefined)
    findings.push({ path: at, message: 'a subject of no issuer', expected: 'issuer beside subject', reads: [at] });
  if (api_key !== undefined && issuer !== undefined)
    findings.push({
      path: at,
      message: 'a caller shows one credential',
      expected: 'either issuer or api_key; two entries for callers who may have either',
      reads: [at],
    });
  const { key, asked } = certificatesAskedFor(config);
  if (certificate !== undefined && !asked)
    findings.push({
      path: [...at, 'certificate'],
      message: 'no certificate is ever seen',
      expected: `${key.join('.')} with client_ca_file, and client_auth request or require`,
      reads: [key, ['egress', 'forwarded_certificates']],
    });
  return findings;
};

export const checkCallers = (callers: Callers | undefined, path: Path, config: Config): Finding[] =>
  (callers?.allow ?? []).flatMap((caller, index) => checkEntry(caller, [...path, index], config));
