import type { Secret } from '../../core/secret.ts';
import { type Client, proofOf } from './client.ts';
import { formOf, type Grant } from './grant.ts';

export type RefreshToken = Readonly<{ url: string; client: Client; refreshToken: Secret; scopes: readonly string[] }>;

/** RFC 6749 section 6. */
export const refreshToken = ({ url, client, refreshToken: first, scopes }: RefreshToken): Grant => ({
  rotates: true,
  request(latest = first.reveal()) {
    const { headers, fields } = proofOf(client);
    const form = formOf({ grant_type: 'refresh_token', refresh_token: latest, scope: scopes.join(' '), ...fields });
    return { url, headers, form };
  },
});
