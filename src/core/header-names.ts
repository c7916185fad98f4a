/** Names of headers, whoever reads them. */

/** RFC 9110 section 7.6.1, and what proxies strip besides: they belong to one connection. */
export const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

const unlikeOurs = /[^a-z0-9-]/;
const allUnlikeOurs = /[^a-z0-9]/g;

/**
 * Servers of the CGI family read `X_User_ID`, and some of them `X.User.ID` (lighttpd), as `X-User-ID`, so we treat them as one.
 */
export const canonicalHeader = (name: string): string => {
  const lower = name.toLowerCase();
  return unlikeOurs.test(lower) ? lower.replace(allUnlikeOurs, '-') : lower;
};
