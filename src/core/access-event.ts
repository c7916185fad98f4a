import type { Decision } from './decision.ts';
import type { AuthRequest } from './request.ts';

/** What is told of a request that passed through Sallyport, when its answer has ended. */
export type AccessEvent = Readonly<{
  requestId: string;
  method: string;
  /** As the caller wrote it, without the query. */
  path: string;
  peerIp: string;
  /** Missing where it could not be read. */
  request: AuthRequest | undefined;
  /** Name of the route; empty where there is none. */
  route: string;
  /** Who answered, or should have; empty where nobody was asked. */
  downstream: string;
  /** Missing where the caller left before it was made. */
  decision: Decision | undefined;
  status: number;
  /** Why an allowed request got no answer of the service behind. */
  error?: string | undefined;
  durationMs: number;
}>;
