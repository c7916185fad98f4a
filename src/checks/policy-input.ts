/** What a policy is asked about, as JSON text (docs/policies.md). What does not change from request to request is written once. */
import type { Identity } from '../core/identity.ts';
import { perObject } from '../core/per-object.ts';
import type { AuthRequest, ClientCertificate } from '../core/request.ts';

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
const callerText = perObject((identity: Identity): string => {
  const token = identity.method === 'jwt' ? `"token":${JSON.stringify(identity.claims)},` : '';
  return `${token}"identity":${JSON.stringify(identityOf(identity))}`;
});

/** As policies compare them: text, and a list only where a name has the attribute more than once. */
const subjectOf = ({ attributes }: ClientCertificate): Json =>
  Object.fromEntries(
    Object.entries(attributes).map(([type, values]) => [type, values.length === 1 ? values[0] : values]),
  );

const certificateText = perObject((certificate: ClientCertificate): string =>
  JSON.stringify({
    verified: true,
    subject: subjectOf(certificate),
    san: { dns: certificate.dnsNames, uri: certificate.uris },
    serial: certificate.serial,
    fingerprint: certificate.fingerprint,
  }),
);

const noCertificate = JSON.stringify({ verified: false });

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

/** `extract` names the headers that a policy sees: no others, and above all none with a credential. */
export const policyInput = (request: AuthRequest, identity: Identity, extract: readonly string[]): string => {
  const { method, path, host, query, certificate, clientIp } = request;
  const parts = [
    `"request":${JSON.stringify({ method, path, host, query })}`,
    `"headers":${JSON.stringify(extractedHeaders(request, extract))}`,
    callerText(identity),
    `"mtls":${certificate ? certificateText(certificate) : noCertificate}`,
    `"source":${JSON.stringify({ ip: clientIp })}`,
  ];
  return `{${parts.join(',')}}`;
};
