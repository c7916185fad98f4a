/** Who asks: what the verified token says, and nothing else. */
import type { Claims } from '../../core/identity.ts';
import { perObject } from '../../core/per-object.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';

export type Sandbox = Readonly<{ tenant: string; team: string; sandbox: string }>;

/** Which claims say so. */
export type SandboxClaims = Readonly<{ tenant: string; team: string; sandbox: string }>;

const LONGEST = 256;
const control = /\p{Cc}/u;

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST && !control.test(value);

/** Claims are one object for as long as their token is cached, and then so is the sandbox. */
export const createSandboxReader = (
  names: SandboxClaims,
  claimAt: (claims: Claims, path: string) => unknown,
): ((claims: Claims) => Sandbox | Refusal) => {
  const read = (claims: Claims, path: string): string | Refusal => {
    const value = claimAt(claims, path);
    if (isName(value)) return value;
    return refuse('invalid_token', `The claim ${path} is missing, or is no text of at most ${LONGEST} characters.`);
  };
  return perObject((claims) => {
    const tenant = read(claims, names.tenant);
    if (isRefusal(tenant)) return tenant;
    const team = read(claims, names.team);
    if (isRefusal(team)) return team;
    const sandbox = read(claims, names.sandbox);
    return isRefusal(sandbox) ? sandbox : { tenant, team, sandbox };
  });
};

/** Headers by which a sandbox might say that it is another one: nobody behind is to believe them. */
export const claimingHeaders = ({ tenant, team, sandbox }: SandboxClaims): string[] => {
  const ofClaims = [tenant, team, sandbox].map((claim) => `x-${claim.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`);
  return [...new Set(['x-tenant-id', 'x-team-id', 'x-sandbox-id', ...ofClaims])];
};
