import { createPublicKey, type KeyObject } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import type { Owner } from '../servers/last-resort.ts';
import { type FaultTable, withFaults } from './faults.ts';
import { type Answer, type Asked, json, type Loopback, listen } from './loopback.ts';

export type TokenServerOptions = Readonly<{
  owner?: Owner;
  now?: () => number;
  clients?: Readonly<Record<string, string>>;
  /** PEM of service accounts by their e-mail address; the public half is enough. */
  accounts?: Readonly<Record<string, string>>;
  /** The refresh token that is good at first; each use gives another and makes the former bad. */
  refreshToken?: string;
  /** Over the members of every good answer; undefined takes one away. */
  answer?: Readonly<Record<string, unknown>>;
}>;

export type TokenServer = Loopback &
  Readonly<{
    tokenUrl: string;
    /** Of `/token`. */
    faults: FaultTable;
    /** How many times it was asked. */
    asked(): number;
    /** Tokens given, in order. */
    given(): readonly string[];
    /** From now on, as `answer`. */
    answers(members: Readonly<Record<string, unknown>>): void;
    /** The form of the latest question. */
    form(): URLSearchParams;
    /** The claims of the latest assertion that verified. */
    claims(): Readonly<Record<string, unknown>>;
  }>;

const refuse = (error: string, status = 400): Answer =>
  json(status, { error, error_description: 'canary-of-the-provider' }, { 'cache-control': 'no-store' });

const decoded = (text: string): string => new URLSearchParams(`x=${text}`).get('x') ?? '';

/** RFC 6749 section 2.3.1: one way alone, the parts form-encoded. */
const clientOf = (
  asked: Asked,
  form: URLSearchParams,
): readonly [id: string, secret: string | undefined] | undefined => {
  const header = asked.header('authorization');
  const posted = form.get('client_id');
  if (header === undefined) return posted === null ? undefined : [posted, form.get('client_secret') ?? undefined];
  const [scheme, encoded = ''] = header.split(' ');
  if (scheme !== 'Basic' || form.has('client_secret')) return undefined;
  const [id = '', secret, more] = Buffer.from(encoded, 'base64').toString().split(':');
  return secret === undefined || more !== undefined ? undefined : [decoded(id), decoded(secret)];
};

/** An OAuth 2.0 token endpoint that verifies what it is sent, and misbehaves when told to. */
export const startTokenServer = async (options: TokenServerOptions = {}): Promise<TokenServer> => {
  const { now = Date.now, clients = {}, accounts = {} } = options;
  const keys = new Map<string, KeyObject>(
    Object.entries(accounts).map(([email, pem]) => [email, createPublicKey(pem)] as const),
  );
  const given: string[] = [];
  let members = options.answer ?? {};
  let refreshToken = options.refreshToken;
  let rotations = 0;
  let form = new URLSearchParams();
  let claims: Readonly<Record<string, unknown>> = {};
  let tokenUrl = '';

  const give = (more: Readonly<Record<string, unknown>> = {}): Answer => {
    const token = `token-${given.length + 1}`;
    const answer = { access_token: token, token_type: 'Bearer', expires_in: 3_600, ...more, ...members };
    given.push(token);
    return json(200, answer, { 'cache-control': 'no-store', pragma: 'no-cache' });
  };

  const isClient = (asked: Asked): boolean => {
    const [id = '', secret] = clientOf(asked, form) ?? [];
    return Object.hasOwn(clients, id) && clients[id] === (secret ?? '');
  };

  const rotate = (): Answer => {
    if (form.get('refresh_token') !== refreshToken) return refuse('invalid_grant');
    rotations += 1;
    refreshToken = `${options.refreshToken}-${rotations}`;
    return give({ refresh_token: refreshToken });
  };

  const verify = async (): Promise<Answer> => {
    try {
      const assertion = form.get('assertion') ?? '';
      const key = keys.get(String(decodeJwt(assertion).iss));
      if (!key) return refuse('invalid_grant');
      const verified = await jwtVerify(assertion, key, {
        audience: tokenUrl,
        algorithms: ['RS256'],
        currentDate: new Date(now()),
        maxTokenAge: '1h',
        typ: 'JWT',
      });
      claims = verified.payload;
      return give();
    } catch {
      return refuse('invalid_grant');
    }
  };

  const { respond, faults } = withFaults((asked) => {
    form = new URLSearchParams(asked.body.toString());
    if (asked.url !== '/token') return refuse('invalid_request', 404);
    if (asked.method !== 'POST' || asked.header('content-type') !== 'application/x-www-form-urlencoded')
      return refuse('invalid_request');
    const grant = form.get('grant_type');
    if (grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer') return verify();
    if (!isClient(asked)) return refuse('invalid_client', 401);
    if (grant === 'client_credentials') return give();
    return grant === 'refresh_token' ? rotate() : refuse('unsupported_grant_type');
  });
  const loopback = await listen(respond, options.owner);
  tokenUrl = `${loopback.url}/token`;

  return {
    ...loopback,
    tokenUrl,
    faults,
    asked: () => faults.seen('/token'),
    given: () => given,
    answers(next) {
      members = next;
    },
    form: () => form,
    claims: () => claims,
  };
};
