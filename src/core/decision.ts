import type { Findings } from './findings.ts';
import type { Identity } from './identity.ts';
import type { Receipt } from './payment.ts';
import type { Refusal } from './refusal.ts';

export type Headers = Readonly<Record<string, string>>;

export type Allow = Readonly<{
  verdict: 'allow';
  identity: Identity;
  receipt?: Receipt;
  /** For the application: every managed header, empty where it has no value, so that a client's own copy never survives. */
  upstream: Headers;
  /** For the client, on the application's answer. */
  client: Headers;
  findings?: Findings | undefined;
  /** Lower-case names of headers to take off the request before the application sees it. */
  remove: readonly string[];
  /** The `Cookie` header that takes the place of the client's; empty where nothing is left; undefined where it stays. */
  cookie?: string | undefined;
}>;

export type Deny = Readonly<{
  verdict: 'deny';
  refusal: Refusal;
  /** Who was refused, where their credential was good. */
  identity?: Identity;
}>;

export type Decision = Allow | Deny;

export const deny = (refusal: Refusal, identity?: Identity): Deny =>
  identity ? { verdict: 'deny', refusal, identity } : { verdict: 'deny', refusal };
