/** Every decision becomes a count; every denial and some of the allows become a line. */
import type { Logger } from 'pino';
import { certificateLabel } from '../core/client-certificate.ts';
import type { Allow } from '../core/decision.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Findings } from '../core/findings.ts';
import type { Identity } from '../core/identity.ts';
import { type Refusal, refusalKinds } from '../core/refusal.ts';
import { createDenialLoggers } from './denial-loggers.ts';
import type { Metrics } from './metrics.ts';

/** What a caller chooses is cut, so that a line stays a line. */
const LONGEST_TEXT = 256;

const cut = (text: string | undefined): string | undefined => text?.slice(0, LONGEST_TEXT);

const userOf = (identity: Identity): string => (identity.method === 'api_key' ? identity.keyId : identity.subject);

const asked = ({ request, requestId, peerIp, durationMs }: DecisionEvent) => ({
  request_id: requestId,
  method: request?.method,
  host: cut(request?.host),
  path: cut(request?.path),
  client_ip: request?.clientIp || peerIp,
  ...(request?.certificate && { certificate: cut(certificateLabel(request.certificate)) }),
  duration_ms: Math.round(durationMs * 1000) / 1000,
});

/** A parser quotes what it could not read, and that may be a secret. */
const reasonOf = (cause: unknown): string | undefined => {
  if (cause === undefined) return undefined;
  if (cause instanceof SyntaxError) return cause.name;
  return cause instanceof Error ? cut(`${cause.name}: ${cause.message}`) : 'unknown cause';
};

/** What a policy says. The application has no say in what its fields are called. */
const said = (findings: Findings | undefined) => findings && { reasons: findings.reasons, policy: findings.audit };

const isOurFault = ({ code }: Refusal): boolean => refusalKinds[code].status >= 500;

/** `random` gives a number from 0 up to 1, against which `sampleAllows` is held. */
export const createObserver = (metrics: Metrics, logger: Logger, sampleAllows: number, random: () => number) => {
  const denialLogger = createDenialLoggers(logger);

  const logDenial = (event: DecisionEvent, refusal: Refusal): void => {
    const denials = denialLogger(event.dialect, event.rule, refusal.code);
    const { detail, cause, findings } = refusal;
    const line = { ...asked(event), detail: cut(detail), cause: reasonOf(cause), ...said(findings) };
    if (isOurFault(refusal)) denials.warn(line, 'could not decide');
    else denials.info(line, 'denied');
  };

  const logAllow = (event: DecisionEvent, { identity, receipt, findings }: Allow): void => {
    const isPayment = receipt && !receipt.isRunning;
    if (!isPayment && random() >= sampleAllows) return;
    logger.info(
      {
        event: isPayment ? 'paid' : 'allowed',
        dialect: event.dialect,
        rule: event.rule,
        ...asked(event),
        credential: identity.method,
        user: cut(userOf(identity)),
        ...said(findings),
        ...(receipt && {
          payment: receipt.paymentId,
          amount: receipt.amount,
          unit: receipt.unit,
          balance: receipt.balance,
          use: receipt.use?.id,
        }),
      },
      isPayment ? 'allowed, paid' : 'allowed',
    );
  };

  return (event: DecisionEvent): void => {
    const { decision, dialect, rule } = event;
    const allowed = decision.verdict === 'allow';
    metrics.decisions.count({
      rule,
      dialect,
      method: allowed ? decision.identity.method : '',
      outcome: allowed ? 'allow' : decision.refusal.code,
    });
    metrics.decisionSeconds.count(dialect, event.durationMs / 1000);
    if (allowed) logAllow(event, decision);
    else logDenial(event, decision.refusal);
  };
};
