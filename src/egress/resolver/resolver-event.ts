import type { Refusal } from '../../core/refusal.ts';
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
