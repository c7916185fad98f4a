import type { Allow } from '../../core/decision.ts';
import type { Question } from '../../core/gate.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { Incoming } from '../http-request.ts';
import type { Reply } from '../reply.ts';

/** How one proxy asks, and how it must be answered. */
export type Dialect = Readonly<{
  name: string;
  /** Whether the question is made of headers, which count only from a trusted proxy. */
  needsTrust: boolean;
  /** Whether the body of a refusal reaches the client. */
  tellsBody: boolean;
  read(incoming: Incoming): Question | Refusal;
  allow(decision: Allow, incoming: Incoming): Reply;
  deny(refusal: Refusal): Reply;
}>;
