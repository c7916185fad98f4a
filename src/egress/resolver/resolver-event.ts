import { isRefusal, type Refusal } from '../../core/refusal.ts';
import type { Resolution, ResolverQuestion } from './resolve.ts';
import type { Sandbox } from './sandbox.ts';

/** What is told of every answer to Envoy. Nothing in it is secret. */
export type ResolverEvent = Readonly<{
  requestId: string;
  door: 'http' | 'grpc';
  peerIp: string;
  /** Empty where they could not be read. */
  method: string;
  host: string;
  /** Without the query. */
  path: string;
  /** Undefined where there was no token, or a bad one. */
  sandbox: Sandbox | undefined;
  /** Empty where none is for the call. */
  integration: string;
  result: 'injected' | 'passed' | Refusal;
  durationMs: number;
}>;

const unread = { method: '', host: '', path: '' };

/** `startedAt` is of `performance.now()`; `refusal` is for an answer that could not be written as it was decided. */
export const resolverEvent = (
  asked: Pick<ResolverEvent, 'requestId' | 'door'> & Readonly<{ startedAt: number }>,
  { call, peerIp }: ResolverQuestion,
  resolution: Resolution,
  refusal = resolution.result === 'refused' ? resolution.refusal : undefined,
): ResolverEvent => {
  const { method, host, path } = isRefusal(call) ? unread : call;
  return {
    requestId: asked.requestId,
    door: asked.door,
    peerIp,
    method,
    host,
    path,
    sandbox: resolution.sandbox,
    integration: resolution.integration,
    result: refusal ?? (resolution.result === 'passed' ? 'passed' : 'injected'),
    durationMs: performance.now() - asked.startedAt,
  };
};
