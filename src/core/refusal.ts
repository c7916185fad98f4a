/**
 * Why a request was refused, and the one table that says what each reason looks like from outside.
 * No other file owns a status code: every door writes refusals by this table.
 */

import type { Findings } from './findings.ts';

/** A row of the table. `grpc` is the canonical gRPC status code; `title` the RFC 9457 title. */
type RefusalKind = Readonly<{ status: number; grpc: number; title: string; meaning: string }>;

const kind = (status: number, grpc: number, title: string, meaning: string): RefusalKind => ({
  status,
  grpc,
  title,
  meaning,
});

const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

export const refusalKinds = {
  // What was asked cannot be read in one way only.
  ambiguous_path: kind(400, INVALID_ARGUMENT, 'Ambiguous path', 'The path can be read in more than one way.'),
  ambiguous_host: kind(400, INVALID_ARGUMENT, 'Ambiguous host', 'The host is missing or malformed.'),
  ambiguous_method: kind(400, INVALID_ARGUMENT, 'Ambiguous method', 'The method is missing or malformed.'),
  ambiguous_header: kind(
    400,
    INVALID_ARGUMENT,
    'Ambiguous header',
    'A header imitates one that only the gate may set.',
  ),
  ambiguous_credentials: kind(400, INVALID_ARGUMENT, 'Ambiguous credentials', 'More than one credential was sent.'),
  ambiguous_dialect: kind(400, INVALID_ARGUMENT, 'Ambiguous question', 'Headers of two proxies came in one request.'),
  ambiguous_rule: kind(
    400,
    INVALID_ARGUMENT,
    'Ambiguous rule',
    'The auth URL names a rule, and the path matches another.',
  ),
  ambiguous_amount: kind(400, INVALID_ARGUMENT, 'Ambiguous amount', 'X-Required-Amount is not one whole number.'),
  incomplete_question: kind(
    400,
    INVALID_ARGUMENT,
    'Incomplete question',
    'The proxy did not say which request it asks about.',
  ),
  cross_site: kind(403, PERMISSION_DENIED, 'Forbidden', 'A page of another site sent the form.'),
  untrusted_proxy: kind(403, PERMISSION_DENIED, 'Untrusted proxy', 'The peer is not one of trusted_proxies.'),
  // Whether the route exists, and for whom.
  no_rule: kind(403, PERMISSION_DENIED, 'Forbidden', 'No rule allows this request.'),
  unknown_rule: kind(403, PERMISSION_DENIED, 'Forbidden', 'The auth URL names a rule that does not exist.'),
  // Who is calling.
  credential_required: kind(401, UNAUTHENTICATED, 'Unauthorized', 'A credential is required.'),
  unrecognised_credential: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The credential is of no kind accepted here.'),
  invalid_api_key: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The API key is not valid.'),
  invalid_token: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The JWT is not valid.'),
  expired_token: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The JWT has expired or is not valid yet.'),
  unsafe_identity: kind(403, PERMISSION_DENIED, 'Forbidden', 'A value of the identity cannot be put into a header.'),
  // What they may do.
  wrong_issuer: kind(403, PERMISSION_DENIED, 'Forbidden', 'The route wants a token of another issuer.'),
  insufficient_scope: kind(403, PERMISSION_DENIED, 'Forbidden', 'A scope is missing.'),
  missing_role: kind(403, PERMISSION_DENIED, 'Forbidden', 'A role is missing.'),
  claim_mismatch: kind(403, PERMISSION_DENIED, 'Forbidden', 'A claim does not have a required value.'),
  certificate_refused: kind(403, PERMISSION_DENIED, 'Forbidden', 'The client certificate is none that may come in.'),
  policy_denied: kind(403, PERMISSION_DENIED, 'Forbidden', 'The policy denies the request.'),
  policy_undefined: kind(403, PERMISSION_DENIED, 'Forbidden', 'The policy says nothing about the request.'),
  rate_limited: kind(429, RESOURCE_EXHAUSTED, 'Too Many Requests', 'A rate limit is reached.'),
  no_credits_left: kind(429, RESOURCE_EXHAUSTED, 'Too Many Requests', 'The credits of the API key are used up.'),
  too_many_failures: kind(
    429,
    RESOURCE_EXHAUSTED,
    'Too Many Requests',
    'Too many bad credentials came from this source.',
  ),
  no_integration: kind(403, PERMISSION_DENIED, 'Forbidden', 'The sandbox may not call this host and path.'),
  // What it costs (NUT-24: a wrong token is 400, no or too little money is 402).
  payment_required: kind(402, PERMISSION_DENIED, 'Payment Required', 'A payment is required.'),
  insufficient_payment: kind(402, PERMISSION_DENIED, 'Payment Required', 'The token is worth less than the price.'),
  credit_exhausted: kind(402, PERMISSION_DENIED, 'Payment Required', 'What was paid for is used up.'),
  invalid_session: kind(402, PERMISSION_DENIED, 'Payment Required', 'The session is unknown, revoked or over.'),
  malformed_payment: kind(400, INVALID_ARGUMENT, 'Malformed payment', 'The Cashu token cannot be read.'),
  wrong_mint: kind(400, INVALID_ARGUMENT, 'Wrong mint', 'The token is of a mint that is not accepted here.'),
  wrong_unit: kind(400, INVALID_ARGUMENT, 'Wrong unit', 'The token is in a unit that is not accepted here.'),
  wrong_lock: kind(400, INVALID_ARGUMENT, 'Wrong lock', 'The token is not locked to us alone, or not locked at all.'),
  payment_spent: kind(400, INVALID_ARGUMENT, 'Token already spent', 'The token, or a part of it, was spent elsewhere.'),
  payment_rejected: kind(400, INVALID_ARGUMENT, 'Token rejected', 'The mint refuses the token for good.'),
  payment_overlap: kind(400, INVALID_ARGUMENT, 'Token already used', 'A part of the token belongs to another payment.'),
  nothing_to_refund: kind(
    409,
    FAILED_PRECONDITION,
    'Nothing to refund',
    'Nothing, or too little, is left on the account.',
  ),
  refund_pending: kind(503, UNAVAILABLE, 'Refund pending', 'The refund cannot be shown yet. It is not lost.'),
  payment_uncertain: kind(503, UNAVAILABLE, 'Payment pending', 'The mint has not given a definite answer yet.'),
  // Pods that payments start. Only the last comes after the payment.
  pods_unavailable: kind(
    503,
    UNAVAILABLE,
    'Service Unavailable',
    'No pod can be started now; nothing was taken for one.',
  ),
  pods_full: kind(
    503,
    UNAVAILABLE,
    'Service Unavailable',
    'There is no room for a further pod; nothing was taken for one.',
  ),
  too_many_pods: kind(429, RESOURCE_EXHAUSTED, 'Too Many Requests', 'The payer has as many pods as one may have.'),
  pod_lifetime_reached: kind(403, PERMISSION_DENIED, 'Forbidden', 'The pod cannot live for longer than it will.'),
  pod_pending: kind(503, UNAVAILABLE, 'Pod pending', 'The pod is paid for, and not there yet.'),
  // What the admin API cannot take.
  bad_request: kind(400, INVALID_ARGUMENT, 'Bad Request', 'A parameter or a field of the body is wrong.'),
  admin_token_required: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The admin token is missing or wrong.'),
  not_found: kind(404, NOT_FOUND, 'Not Found', 'There is nothing at this address.'),
  method_not_allowed: kind(405, UNIMPLEMENTED, 'Method Not Allowed', 'This address does not know the method.'),
  already_resolved: kind(409, ALREADY_EXISTS, 'Conflict', 'The event needs no decision, or not any more.'),
  already_reported: kind(409, ALREADY_EXISTS, 'Conflict', 'The use was reported before, with another number.'),
  key_revoked: kind(409, FAILED_PRECONDITION, 'Conflict', 'The key is revoked, and does not change any more.'),
  key_made_before: kind(409, ALREADY_EXISTS, 'Conflict', 'The call made its key before, which cannot be shown again.'),
  idempotency_conflict: kind(409, ALREADY_EXISTS, 'Conflict', 'The Idempotency-Key was used for another call.'),
  reload_refused: kind(
    409,
    FAILED_PRECONDITION,
    'Conflict',
    'The configuration cannot be loaded: the one before stays.',
  ),
  body_too_large: kind(413, INVALID_ARGUMENT, 'Content Too Large', 'The body is larger than allowed.'),
  unsupported_media_type: kind(
    415,
    INVALID_ARGUMENT,
    'Unsupported Media Type',
    'The body is of another type than expected.',
  ),
  // Why a call of egress has no answer of its target's.
  no_route: kind(404, NOT_FOUND, 'No route', 'No route of egress or of the reverse proxy is for this.'),
  caller_unknown: kind(401, UNAUTHENTICATED, 'Unauthorized', 'The target is for known callers alone.'),
  caller_refused: kind(403, PERMISSION_DENIED, 'Forbidden', 'The target is not for this caller.'),
  upgrade_refused: kind(403, PERMISSION_DENIED, 'Upgrade refused', 'The route takes no WebSocket.'),
  loop_detected: kind(508, FAILED_PRECONDITION, 'Loop Detected', 'The call came back to where it was sent.'),
  request_timeout: kind(408, DEADLINE_EXCEEDED, 'Request Timeout', 'The body of the request stands still.'),
  target_unreachable: kind(502, UNAVAILABLE, 'Bad Gateway', 'There is no connection to the target.'),
  target_forbidden: kind(502, UNAVAILABLE, 'Bad Gateway', 'The target has an address that is never called.'),
  target_reset: kind(502, UNAVAILABLE, 'Bad Gateway', 'The target ended the connection before its answer.'),
  target_malformed: kind(502, UNAVAILABLE, 'Bad Gateway', 'What the target answers is no HTTP.'),
  target_timeout: kind(504, DEADLINE_EXCEEDED, 'Gateway Timeout', 'The target does not answer in time.'),
  target_busy: kind(503, UNAVAILABLE, 'Service Unavailable', 'Too many calls of the target are under way.'),
  target_suspended: kind(503, UNAVAILABLE, 'Service Unavailable', 'The target failed too often, and is left alone.'),
  credential_unavailable: kind(503, UNAVAILABLE, 'Service Unavailable', 'The credential of the target cannot be had.'),
  credential_forbidden: kind(403, PERMISSION_DENIED, 'Forbidden', 'The credential of the target is not for this call.'),
  // What we failed to do.
  policy_malformed: kind(503, UNAVAILABLE, 'Service Unavailable', 'The policy gives an answer of another form.'),
  policy_failed: kind(503, UNAVAILABLE, 'Service Unavailable', 'The policy cannot be asked, or fails.'),
  policy_timeout: kind(503, UNAVAILABLE, 'Service Unavailable', 'The policy does not answer in time.'),
  keys_unavailable: kind(503, UNAVAILABLE, 'Service Unavailable', 'The issuer’s keys cannot be fetched.'),
  credential_missing: kind(
    503,
    UNAVAILABLE,
    'Service Unavailable',
    'There is no credential for the call of the sandbox.',
  ),
  credential_unusable: kind(503, UNAVAILABLE, 'Service Unavailable', 'The credential for the call cannot be used.'),
  credentials_unavailable: kind(
    503,
    UNAVAILABLE,
    'Service Unavailable',
    'The config service gives no credentials now.',
  ),
  store_unavailable: kind(503, UNAVAILABLE, 'Service Unavailable', 'The store does not answer.'),
  decision_changed: kind(503, UNAVAILABLE, 'Service Unavailable', 'The refusal no longer holds: ask again.'),
  internal_error: kind(503, UNAVAILABLE, 'Service Unavailable', 'The request could not be decided.'),
} as const satisfies Record<string, RefusalKind>;

export type RefusalCode = keyof typeof refusalKinds;

/**
 * `detail` is the sentence for the caller; `cause` is for logs alone. `headers` go to the caller in every dialect that can
 * carry them; `members` extend the problem document.
 */
export type Refusal = Readonly<{
  refused: true;
  code: RefusalCode;
  detail: string;
  headers?: Readonly<Record<string, string>>;
  members?: Readonly<Record<string, unknown>>;
  cause?: unknown;
  /** What the policy said that refused; for the audit line. */
  findings?: Findings;
}>;

export const refuse = (
  code: RefusalCode,
  detail: string,
  rest: Omit<Refusal, 'refused' | 'code' | 'detail'> = {},
): Refusal => ({ refused: true, code, detail, ...rest });

export const isRefusal = (outcome: unknown): outcome is Refusal =>
  typeof outcome === 'object' && outcome !== null && (outcome as Partial<Refusal>).refused === true;

/** `WWW-Authenticate` as RFC 6750 section 3 wants it; `description` must be plain text without quotation marks. */
export const bearerChallenge = (
  error?: string,
  description?: string,
  scope?: string,
): Readonly<Record<string, string>> => {
  const parts = ['Bearer realm="sallyport"'];
  if (error) parts.push(`error="${error}"`);
  if (description) parts.push(`error_description="${description}"`);
  if (scope) parts.push(`scope="${scope}"`);
  return { 'WWW-Authenticate': parts.join(', ') };
};
