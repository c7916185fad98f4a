/** `envoy.service.auth.v3.Authorization/Check`: Envoy asks, and is answered by the same gate as every other proxy. */
import { randomUUID } from 'node:crypto';
import { deny } from '../../core/decision.ts';
import type { DecisionEvent } from '../../core/decision-event.ts';
import { type Eventually, whenReady } from '../../core/eventually.ts';
import type { Answer, Gate, Question } from '../../core/gate.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import type { AuthRequest } from '../../core/request.ts';
import type { Fields, Peer, Unary } from '../server/method.ts';
import { type Failure, isFailure, RESOURCE_EXHAUSTED } from '../server/status.ts';
import { type CheckRequest, decodeCheckRequest } from './check-request.ts';
import { encodeAllow, encodeDeny, type HttpAnswer } from './check-response.ts';
import { type Describing, describedRequest } from './described-request.ts';
import type { ResolverCheck } from './resolver-check.ts';

export type CheckParts = Describing &
  Readonly<{
    gate: Pick<Gate, 'decide'>;
    observe(event: DecisionEvent): void;
    /** What the client is answered; the same object for the same refusal wherever that can be. */
    answerTo(refusal: Refusal, request: AuthRequest | undefined): HttpAnswer;
    /** Answers routes that ask for it; left out where the configuration has none. */
    resolver?(): ResolverCheck | undefined;
  }>;

const DIALECT = 'envoy_grpc';

/** The key of `context_extensions` by which a route names its rule. */
const RULE = 'rule';

/** The key by which a route says who is to answer: `resolver`, or left out for the gate. */
const SERVICE = 'service';
const RESOLVER = 'resolver';

/**
 * What cannot be read is refused, and is no gRPC error: that would be let through where Envoy's `failure_mode_allow` is set.
 */
const unreadable = refuse('incomplete_question', 'The CheckRequest cannot be read.');
const tooLarge = refuse(
  'body_too_large',
  'The CheckRequest is larger than grpc.max_message_size. Envoy must not send bodies along (with_request_body).',
);

const unknownService = refuse(
  'incomplete_question',
  'The route names a service that does not answer here. Expected context_extensions: { service: resolver }, and the block resolver.',
);

const refusalOf = ({ code }: Failure): Refusal => (code === RESOURCE_EXHAUSTED ? tooLarge : unreadable);

const untrusted = ({ ip }: Peer): Refusal =>
  refuse('untrusted_proxy', `A CheckRequest counts only from trusted_proxies, and ${ip} is not one of them.`);

const decode = (message: Buffer | Failure): CheckRequest | Refusal =>
  isFailure(message) ? refusalOf(message) : (decodeCheckRequest(message) ?? unreadable);

const readQuestion = (check: CheckRequest | Refusal, peer: Peer, describing: Describing): Question | Refusal => {
  if (!peer.trusted) return untrusted(peer);
  if (isRefusal(check)) return check;
  if (check.contextExtensions.has(SERVICE)) return unknownService;
  const request = describedRequest(check, peer, describing);
  if (isRefusal(request)) return request;
  const ruleName = check.contextExtensions.get(RULE);
  return { request, ...(ruleName !== undefined && { ruleName }) };
};

const failed = (cause: unknown): Refusal =>
  refuse('internal_error', 'The request could not be decided. Try again.', { cause });

export const createCheck = ({ gate, clientIpOf, certificateOf, observe, answerTo, resolver }: CheckParts): Unary => {
  const describing = { clientIpOf, certificateOf };
  const encode = ({ decision, rule }: Answer, requestId: string, request: AuthRequest | undefined): Fields => {
    if (decision.verdict === 'allow') return encodeAllow(decision, { rule, requestId });
    const { refusal, identity } = decision;
    return encodeDeny(refusal, answerTo(refusal, request), { rule, requestId, identity });
  };

  const decide = (question: Question | Refusal): Eventually<Answer> =>
    isRefusal(question) ? { decision: deny(question), rule: '' } : gate.decide(question, 'enforce');

  const conclude = (question: Question | Refusal, peer: Peer, startedAt: number): Eventually<Fields> => {
    const request = isRefusal(question) ? undefined : question.request;
    const requestId = request?.id ?? randomUUID();
    const tell = (answer: Answer, fields: Fields): Fields => {
      const durationMs = performance.now() - startedAt;
      observe({ ...answer, requestId, dialect: DIALECT, request, peerIp: peer.ip, durationMs });
      return fields;
    };
    return whenReady(decide(question), (answer) => {
      try {
        return tell(answer, encode(answer, requestId, request));
      } catch (cause) {
        const denial = { ...answer, decision: deny(failed(cause)) };
        return tell(denial, encode(denial, requestId, undefined));
      }
    });
  };

  return {
    kind: 'unary',

    answerAtOnce(peer) {
      // The resolver believes tokens, and no peer.
      if (peer.trusted || resolver?.()) return undefined;
      const fields = conclude(untrusted(peer), peer, performance.now());
      return fields instanceof Promise ? undefined : fields;
    },

    answer(message, peer) {
      const startedAt = performance.now();
      const check = decode(message);
      const isForResolver = !isRefusal(check) && check.contextExtensions.get(SERVICE) === RESOLVER;
      const resolverCheck = isForResolver ? resolver?.() : undefined;
      if (isForResolver && resolverCheck) return resolverCheck(check, peer);
      return conclude(readQuestion(check, peer, describing), peer, startedAt);
    },
  };
};
