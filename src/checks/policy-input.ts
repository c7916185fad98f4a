/** What a policy is asked about, as JSON text (docs/policies.md). What does not change from request to request is written once. */
import type { Identity } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';
import type { InputPart, InputParts } from './policy-engine.ts';

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

/** `token` is there for callers with a JWT alone: a policy that reads a claim of another caller finds it undefined. */
const callerPart = perObject((identity: Identity): InputPart => {
  const token = identity.method === 'jwt' ? `"token":${JSON.stringify(identity.claims)},` : '';
  return { members: `${token}"identity":${JSON.stringify(identityOf(identity))}` };
});

/** As policies compare them: text, and a list only where a name has the attribute more than once. */
const subjectOf = ({ attributes }: ClientCertificate): Json =>
  Object.fromEntries(
    Object.entries(attributes).map(([type, values]) => [type, values.length === 1 ? values[0] : values]),
  );

const mtlsPart = (mtls: Json): InputPart => ({ members: `"mtls":${JSON.stringify(mtls)}` });

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

/** Members of the request alone, and those that others share with it. */
export type PolicyInput = Readonly<{ own: string; parts: InputParts }>;

/**
 * `extract` names the headers that a policy sees: no others, and above all none with a credential. `more`: further members as
 * text, with a comma before each.
 */
export const policyInput = (
  request: AuthRequest,
  identity: Identity,
  extract: readonly string[],
  more = '',
): PolicyInput => {
  const { method, path, host, query, certificate, clientIp } = request;
  const asked = JSON.stringify({ method, path, host, query });
  const headers = JSON.stringify(extractedHeaders(request, extract));
  return {
    own: `"request":${asked},"headers":${headers},"source":${JSON.stringify({ ip: clientIp })}${more}`,
    parts: [callerPart(identity), certificate ? certificatePart(certificate) : noCertificate],
  };
};

/** All of it. */
export const inputText = ({ own, parts: [caller, certificate] }: PolicyInput): string =>
  `{${own},${caller.members},${certificate.members}}`;
