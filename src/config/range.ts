import ipaddr from 'ipaddr.js';

export type Range = Readonly<{ version: 4 | 6; bits: number }>;

/** ipaddr.js takes `10.1` and `0x7f.1` for addresses; we take only the forms everybody reads the same way. */
const strictAddress = (text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
};

const split = (text: string): { address: ipaddr.IPv4 | ipaddr.IPv6; bits: number } | undefined => {
  const [host = '', prefix, ...rest] = text.split('/');
  const address = strictAddress(host);
  if (!address || rest.length > 0) return undefined;
  const most = address.kind() === 'ipv4' ? 32 : 128;
  if (prefix === undefined) return { address, bits: most };
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= most ? { address, bits: Number(prefix) } : undefined;
};

const firstOf = (address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string => {
  const range = `${address.toString()}/${bits}`;
  return (address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(range).toString();
};

/** Message and hint, when the text is no network. */
export const networkProblem = (text: string): [message: string, hint?: string] | undefined => {
  const range = split(text);
  if (!range) return ['not a network'];
  const first = firstOf(range.address, range.bits);
  if (first === range.address.toString()) return undefined;
  return ['an address inside the range, not its beginning', `write ${first}/${range.bits}, or the address alone`];
};

/** The range form: `10.0.0.1` → `10.0.0.1/32`. Only for text without a `networkProblem`. */
export const normaliseNetwork = (text: string): string => {
  const range = split(text);
  return range ? `${range.address.toString()}/${range.bits}` : text;
};

const mapped = ipaddr.IPv6.parseCIDR('::ffff:0:0/96');

/** How wide a network is; IPv4 written as IPv6 (`::ffff:0:0/96`) counts as the IPv4 range that it is. */
export const rangeOf = (text: string): Range | undefined => {
  const range = split(text);
  if (!range) return undefined;
  const { address, bits } = range;
  if (address instanceof ipaddr.IPv4) return { version: 4, bits };
  return bits >= 96 && address.match(mapped) ? { version: 4, bits: bits - 96 } : { version: 6, bits };
};
