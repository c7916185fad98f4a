/** Each proxy's way to ask, spoken directly, so that one table of requests can be put to every dialect. */
import { type Answered, request } from '../servers/request.ts';

export type Asked = Readonly<{
  method?: string;
  scheme?: string;
  host?: string;
  /** As the client sent it, with its query. */
  target: string;
  headers?: Readonly<Record<string, string>>;
}>;

/** `status` is the true one, also where the proxy cannot be given it. */
export type Answer = Answered & Readonly<{ trueStatus: number }>;

type Ask = (origin: string, asked: Asked) => Promise<Answer>;

const plain = async (answered: Promise<Answered>): Promise<Answer> => {
  const answer = await answered;
  return { ...answer, trueStatus: answer.status };
};

const forwardedAt =
  (endpoint: string): Ask =>
  (origin, { method = 'GET', scheme = 'https', host = 'shop.example.com', target, headers }) =>
    plain(
      request(origin, endpoint, {
        headers: {
          ...headers,
          'X-Forwarded-Method': method,
          'X-Forwarded-Proto': scheme,
          'X-Forwarded-Host': host,
          'X-Forwarded-Uri': target,
          'X-Forwarded-For': '203.0.113.7',
        },
      }),
    );

const nginxAt =
  (endpoint: string, methodHeader: string): Ask =>
  async (origin, { method = 'GET', scheme = 'https', host = 'shop.example.com', target, headers }) => {
    const answer = await request(origin, endpoint, {
      headers: {
        ...headers,
        'X-Original-URL': `${scheme}://${host}${target}`,
        [methodHeader]: method,
        'X-Real-IP': '203.0.113.7',
      },
    });
    return { ...answer, trueStatus: Number(answer.headers['x-auth-status'] ?? answer.status) };
  };

/** The question is the request itself, behind a prefix. */
const prefixedBy =
  (prefix: string): Ask =>
  (origin, { method = 'GET', scheme = 'https', host = 'shop.example.com', target, headers }) =>
    plain(
      request(origin, `${prefix}${target}`, {
        method,
        headers: { Host: host, 'Content-Length': '0', 'X-Forwarded-Proto': scheme, ...headers },
      }),
    );

export const askers: Readonly<Record<string, Ask>> = {
  nginx: nginxAt('/auth/nginx', 'X-Original-Method'),
  'nginx, detected': nginxAt('/auth', 'X-Original-Method'),
  'the mixture of seed 004': nginxAt('/auth', 'X-Forwarded-Method'),
  traefik: forwardedAt('/auth/traefik'),
  'traefik, detected': forwardedAt('/auth'),
  caddy: forwardedAt('/auth/caddy'),
  haproxy: forwardedAt('/auth/haproxy'),
  envoy: prefixedBy('/auth/envoy'),
  native: prefixedBy('/auth/native'),
};

/** nginx cannot pass a refusal's status and body on: it fetches them from here. */
export const challenge = (origin: string, { method = 'GET', target, headers }: Asked): Promise<Answered> =>
  request(origin, '/auth/challenge', {
    headers: { ...headers, 'X-Original-URL': `https://shop.example.com${target}`, 'X-Original-Method': method },
  });
