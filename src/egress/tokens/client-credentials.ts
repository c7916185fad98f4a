import { type Client, proofOf } from './client.ts';
import { formOf, type Grant } from './grant.ts';

export type ClientCredentials = Readonly<{
  url: string;
  client: Client;
  scopes: readonly string[];
  audience: string | undefined;
}>;

/** RFC 6749 section 4.4. `audience` is what several providers take besides. */
export const clientCredentials = ({ url, client, scopes, audience }: ClientCredentials): Grant => ({
  rotates: false,
  request() {
    const { headers, fields } = proofOf(client);
    const form = formOf({ grant_type: 'client_credentials', scope: scopes.join(' '), audience, ...fields });
    return { url, headers, form };
  },
});
