/** What a policy is asked about, as JSON text (docs/policies.md). What does not change from request to request is written once. */
import { LRUCache } from 'lru-cache';
import type { Identity } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import type { InputPart, InputParts, PolicyEngine } from './policy-engine.ts';

type Json = Readonly<Record<string, unknown>>;

const identityOf = (identity: Identity): Json => {
  const { method, subject, roles, scopes, claims } = identity;
  const common = { method, subject, roles, scopes };
  switch (identity.method) {
    case 'jwt':
      return { ...common, issuer: identity.issuer };
    case 'api_key':
      return { ...common, key_id: identity.keyId, metadata: claims };
    case 'certificate':
    case 'cashu':
    case 'session':
    case 'anonymous':
      return common;
  }
};

let latestId = 0;

const partOf = (members: string): InputPart => {
  latestId += 1;
  return { id: latestId, members };
};

/**
 * A client is another object where proxies tell of its certificate in other words, or where it was forgotten meanwhile: policies are
 * asked once for all.
 */
const ofConnections = new LRUCache<string, InputPart>({ max: 1_000, memoMethod: (members) => partOf(members) });

/** `token` is there for callers with a JWT alone: a policy that reads a claim of another caller finds it undefined. */
const callerPart = perObject((identity: Identity): InputPart => {
  const token = identity.method === 'jwt' ? `"token":${JSON.stringify(identity.claims)},` : '';
  const members = `${token}"identity":${JSON.stringify(identityOf(identity))}`;
  return identity.method === 'certificate' ? ofConnections.memo(members) : partOf(members);
});

/** As policies compare them: text, and a list only where a name has the attribute more than once. */
const subjectOf = ({ attributes }: ClientCertificate): Json =>
  Object.fromEntries(
    Object.entries(attributes).map(([type, values]) => [type, values.length === 1 ? values[0] : values]),
  );

const mtlsPart = (mtls: Json): InputPart => ofConnections.memo(`"mtls":${JSON.stringify(mtls)}`);

const certificatePart = perObject((certificate: ClientCertificate) =>
  mtlsPart({
    verified: true,
    subject: subjectOf(certificate),
    san: { dns: certificate.dnsNames, uri: certificate.uris },
    serial: certificate.serial,
    fingerprint: certificate.fingerprint,
  }),
);

const noCertificate = mtlsPart({ verified: false });

/** Of the headers in `extract` those that the request has, spelt as there. */
export const extractedHeaders = (
  request: Pick<AuthRequest, 'header'>,
  extract: readonly string[],
): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const name of extract) {
    const value = request.header(name.toLowerCase());
    if (value !== undefined) found[name] = value;
  }
  return found;
};

const asked = ['method', 'path', 'host', 'query'] as const;

/** Which members of its own a request tells: those that a policy can see. */
export type ToldMembers = Readonly<{
  request: readonly (typeof asked)[number][];
  /** Names of headers; undefined where none can be seen. */
  headers: readonly string[] | undefined;
  source: boolean;
  /** Of a call of egress, and the same for all calls of a route: its target, as text. Empty where it is none. */
  egress: string;
}>;

/**
 * `extract` names the headers that a policy may see: no others, and above all none with a credential. `target`: of a call of egress.
 */
export const toldTo = (
  { reads = () => true }: Pick<PolicyEngine, 'reads'>,
  extract: readonly string[],
  target?: string,
): ToldMembers => {
  const headers = extract.filter((name) => reads('headers', name));
  return {
    request: asked.filter((name) => reads('request', name)),
    headers: headers.length > 0 || reads('headers') ? headers : undefined,
    source: reads('source', 'ip'),
    egress: target !== undefined && reads('egress', 'target') ? `"egress":${JSON.stringify({ target })}` : '',
  };
};

/** Members of the request alone, and those that others share with it. */
export type PolicyInput = Readonly<{ own: string; parts: InputParts }>;

const ownMembers = (request: AuthRequest, { request: names, headers, source, egress }: ToldMembers): string => {
  let members = '';
  for (const name of names) members += `${members === '' ? '' : ','}"${name}":${JSON.stringify(request[name])}`;
  if (names.length > 0) members = `"request":{${members}}`;
  const comma = () => (members === '' ? '' : ',');
  if (headers) members += `${comma()}"headers":${JSON.stringify(extractedHeaders(request, headers))}`;
  if (source) members += `${comma()}"source":{"ip":${JSON.stringify(request.clientIp)}}`;
  if (egress !== '') members += `${comma()}${egress}`;
  return members;
};

export const policyInput = (request: AuthRequest, identity: Identity, told: ToldMembers): PolicyInput => {
  const { certificate } = request;
  return {
    own: ownMembers(request, told),
    parts: [callerPart(identity), certificate ? certificatePart(certificate) : noCertificate],
  };
};

/** All of it. */
export const inputText = ({ own, parts: [caller, certificate] }: PolicyInput): string =>
  `{${own}${own === '' ? '' : ','}${caller.members},${certificate.members}}`;
