import type { Credential, CredentialKind } from './credential.ts';
import type { Headers } from './decision.ts';
import type { Dress } from './dress.ts';
import type { Eventually } from './eventually.ts';
import type { Findings } from './findings.ts';
import type { Identification, Identity } from './identity.ts';
import type { CreditReceipt, Receipt } from './payment.ts';
import type { Refusal } from './refusal.ts';
import type { AuthRequest, ClientCertificate } from './request.ts';

/**
 * `preview` asks what would be decided, without counting or spending. `deposit` does so too, but takes a token in, for a request
 * that comes later: it becomes credit where it would pay for the request.
 */
export type Intent = 'enforce' | 'preview' | 'deposit';

/** Verifies one credential of its own kind. Must not change anything: whatever is irreversible belongs to `Charge`. */
export type Identifier = (request: AuthRequest, credential: Credential, intent: Intent) => Eventually<Identification>;

/** What a check that is passed has to say. */
export type Passed = Readonly<{
  /** For the client, besides the application's answer. */
  headers?: Headers | undefined;
  findings?: Findings | undefined;
}>;

/** Whom a certificate that was verified stands for. Called only for requests that present nothing else. */
export type CertificateIdentifier = (certificate: ClientCertificate) => Identity;

/** A gate that an identity must pass. */
export type Check = {
  (request: AuthRequest, identity: Identity, intent: Intent): Eventually<Refusal | Passed | undefined>;
  /** What it is called where its answer is explained. */
  readonly label?: string;
};

/** Whether a caller without a credential may still pass for nothing. `enforce` uses one of these requests up. */
export type Allowance = (request: AuthRequest, intent: Intent) => Eventually<boolean>;

type ChargeGiving<Proof> = (
  request: AuthRequest,
  identity: Identity,
  intent: Intent,
) => Eventually<Proof | Refusal | undefined>;

/** The one irreversible step of a rule, after everything else has passed. */
export type Charge = ChargeGiving<Receipt | CreditReceipt>;

/** A charge that takes payments alone. */
export type PaymentCharge = ChargeGiving<Receipt>;

export type AcceptedKind = Exclude<CredentialKind, 'unknown'>;

/** What one set of routes demands. */
export type Rule = Readonly<{
  name: string;
  identifiers: Readonly<Partial<Record<AcceptedKind, Identifier>>>;
  /** Left out where the rule accepts no certificate as a credential. */
  identifyByCertificate?: CertificateIdentifier;
  acceptsAnonymous: boolean;
  /** The answer to a request without a credential: where to get in, or what it costs. */
  invite(request: AuthRequest): Refusal;
  /** For callers whom `acceptsAnonymous` would keep out. */
  allowance?: Allowance;
  checks: readonly Check[];
  dress: Dress;
  /** Whether the application sees the credential that opened the door. Never true of money. */
  passToken: boolean;
  charge?: Charge;
}>;
