/** How a client proves itself at a token endpoint (RFC 6749 section 2.3.1). */
import type { Secret } from '../../core/secret.ts';

export type Client = Readonly<{ id: Secret; secret: Secret | undefined; auth: 'basic' | 'post' }>;

/** Appendix B. */
const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

type Proof = Readonly<{ headers: Readonly<Record<string, string>>; fields: Readonly<Record<string, string>> }>;

/** A client without a secret says who it is in the form. */
export const proofOf = ({ id, secret, auth }: Client): Proof => {
  if (secret === undefined) return { headers: {}, fields: { client_id: id.reveal() } };
  if (auth === 'post') return { headers: {}, fields: { client_id: id.reveal(), client_secret: secret.reveal() } };
  const pair = `${formEncoded(id.reveal())}:${formEncoded(secret.reveal())}`;
  return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, fields: {} };
};
