/** The lines that the demo prints, each with what it shows. They work as printed, as often as one likes. */

export type Line = Readonly<{ shows: string; status: number; command: string }>;

export type Places = Readonly<{
  /** What to ask, without a slash at its end: the gate itself, or nginx in front of an application. */
  base: string;
  counterUrl: string;
  apiKey: string;
}>;

export const linesFor = ({ base, counterUrl, apiKey }: Places): Line[] => [
  { shows: 'a free path', status: 200, command: `curl -i ${base}/free/hello` },
  { shows: 'no credential, and here is the price', status: 402, command: `curl -i ${base}/premium/report` },
  {
    shows: 'paid: X-Payment-Verified and X-Payment-Amount; a token opens three times',
    status: 200,
    command: `curl -i -H "X-Cashu: $(curl -s ${counterUrl}/token)" ${base}/premium/report`,
  },
  {
    shows: 'an API key: X-User-ID',
    status: 200,
    command: `curl -i -H "Authorization: Bearer ${apiKey}" ${base}/api/orders`,
  },
  {
    shows: 'a JWT: its claims in headers',
    status: 200,
    command: `curl -i -H "Authorization: Bearer $(curl -s ${counterUrl}/jwt)" ${base}/account/me`,
  },
  { shows: 'rubbish, and why', status: 401, command: `curl -i -H "Authorization: Bearer rubbish" ${base}/api/orders` },
  { shows: 'a path that no rule allows', status: 403, command: `curl -i ${base}/elsewhere` },
];

export const printed = (lines: readonly Line[]): string =>
  lines.map(({ shows, status, command }) => `  # ${status}: ${shows}\n  ${command}\n`).join('\n');
