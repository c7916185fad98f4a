/** What an answer that is no success means (`metav1.Status`). */
import { ClusterFault, type ClusterFaultKind } from '../../core/cluster-fault.ts';
import type { Answer } from './connection.ts';
import { at, listAt, textAt } from './json.ts';

const LONGEST_MESSAGE = 500;

/**
 * The API server says nothing about quotas but in words (`k8s.io/apiserver/pkg/admission/plugin/resourcequota`); they have
 * not changed since 2015, and the tests against the real one would notice.
 */
const isFull = (message: string): boolean => /\bexceeded quota: /.test(message);

/** A quota that was just made: its controller has not counted yet. */
const isUncounted = (message: string): boolean => /\bstatus unknown for quota: /.test(message);

const isNamespaceGoing = (body: unknown): boolean =>
  listAt(body, 'details', 'causes').some((cause) => at(cause, 'reason') === 'NamespaceTerminating');

const ofForbidden = (body: unknown, message: string): ClusterFaultKind => {
  if (isFull(message)) return 'no_room';
  if (isUncounted(message)) return 'unreachable';
  return isNamespaceGoing(body) ? 'refused' : 'forbidden';
};

const kindOf = (status: number, body: unknown, message: string): ClusterFaultKind => {
  if (status === 401) return 'forbidden';
  if (status === 403) return ofForbidden(body, message);
  // 409: two changed the count of a quota at the same time.
  if (status === 408 || status === 409 || status === 429) return 'unreachable';
  return status >= 400 && status < 500 ? 'refused' : 'unreachable';
};

/** `what` was asked, in a few words: it begins the message. */
export const faultOf = (what: string, { status, body, retryAfterMs }: Answer): ClusterFault => {
  const message = textAt(body, 'message')?.slice(0, LONGEST_MESSAGE) ?? 'without a reason';
  const kind = kindOf(status, body, message);
  return new ClusterFault(kind, `${what}: the API server answers ${status}: ${message}`, {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
};
