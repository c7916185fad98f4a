/** Where the credentials of a tenant and team come from. */
import type { Eventually } from '../../core/eventually.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { Sandbox } from './sandbox.ts';

/** The values of one credential, such as `api_key`. */
export type CredentialValues = ReadonlyMap<string, Secret>;

/** By integration. The same objects for as long as nothing has changed. */
export type Credentials = ReadonlyMap<string, CredentialValues>;

/** Never gives one tenant what is another's: what it does not know of this tenant and team it refuses. */
export type CredentialSource = (sandbox: Sandbox) => Eventually<Credentials | Refusal>;

export const toCredentials = (values: Readonly<Record<string, Readonly<Record<string, Secret>>>>): Credentials =>
  new Map(Object.entries(values).map(([name, secrets]) => [name, new Map(Object.entries(secrets))]));
