/** One service that sandboxes may call: which calls are for it, and what is put on them. */
import { parseHost } from '../../core/canonical.ts';
import type { Headers } from '../../core/decision.ts';
import type { HeaderTemplate } from '../../core/header-template.ts';
import type { PathPattern } from '../../core/path-pattern.ts';
import { perObject } from '../../core/per-object.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { CredentialValues } from './credential-source.ts';

export type IntegrationSettings = Readonly<{
  name: string;
  /** Exact, or `*.example.com` for every name below example.com. */
  hosts: readonly string[];
  paths: readonly PathPattern[];
  /** Left out for every method. */
  methods?: readonly string[];
  headers: readonly Readonly<{ name: string; template: HeaderTemplate }>[];
  /** Which value of the credential names the domain it may go to. */
  domainFrom?: string;
}>;

/** What is done to a call. One object for as long as the credential is one. */
export type Injection = Readonly<{
  /** In the place of whatever the sandbox sent under these names. */
  set: Headers;
  /** Lower-case names. None of them is in `set`. */
  remove: readonly string[];
}>;

export type Integration = Readonly<{
  name: string;
  injectionFor(values: CredentialValues): Injection | Refusal;
  /** Why the credential does not go to this host, which is one of the integration's. */
  hostProblem(host: string, values: CredentialValues): Refusal | undefined;
}>;

const unfilled = (name: string, why: 'missing' | 'unsafe', key: string): Refusal =>
  why === 'missing'
    ? refuse('credential_missing', `The credential of ${name} has no ${key}.`)
    : refuse('credential_unusable', `The ${key} of ${name} has characters that a header cannot carry.`);

/** `sensitive`: lower-case names of what no sandbox may send, whichever integration it calls. */
export const createIntegration = (
  { name, headers, domainFrom }: IntegrationSettings,
  sensitive: readonly string[],
  isSidecar: (host: string) => boolean,
): Integration => {
  const own = new Set(headers.map((header) => header.name.toLowerCase()));
  const remove = sensitive.filter((header) => !own.has(header));

  const domainOf = perObject((values: CredentialValues): { host: string } | Refusal => {
    const written = domainFrom === undefined ? undefined : values.get(domainFrom)?.reveal();
    if (written === undefined) return unfilled(name, 'missing', domainFrom ?? '');
    const host = parseHost(written);
    if (!isRefusal(host)) return { host };
    return refuse('credential_unusable', `The ${domainFrom} of ${name} is no host name.`);
  });

  return {
    name,

    injectionFor: perObject((values: CredentialValues): Injection | Refusal => {
      const set: Record<string, string> = {};
      for (const { name: header, template } of headers) {
        const filled = template.fill((key) => values.get(key)?.reveal());
        if (typeof filled !== 'string') return unfilled(name, filled.unfilled, filled.key);
        set[header] = filled;
      }
      return { set, remove };
    }),

    hostProblem(host, values) {
      // Where a request goes that calls the sidecar itself, the sidecar's routes say.
      if (domainFrom === undefined || isSidecar(host)) return undefined;
      const domain = domainOf(values);
      if (isRefusal(domain)) return domain;
      if (host === domain.host || host.endsWith(`.${domain.host}`)) return undefined;
      return refuse('no_integration', `The credential of ${name} is for another host.`);
    },
  };
};
