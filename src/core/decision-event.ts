import type { Decision } from './decision.ts';
import type { AuthRequest } from './request.ts';

/** What is told of every decision, whichever door it was made at. */
export type DecisionEvent = Readonly<{
  requestId: string;
  dialect: string;
  rule: string;
  decision: Decision;
  /** Missing where the question could not be read. */
  request: AuthRequest | undefined;
  peerIp: string;
  durationMs: number;
}>;
