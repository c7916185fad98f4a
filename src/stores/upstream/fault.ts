import type { UpstreamFailure, UpstreamFault } from '../../egress/upstream.ts';

const failures: Readonly<Record<string, UpstreamFailure>> = {
  UND_ERR_ABORTED: 'aborted',
  UND_ERR_HEADERS_OVERFLOW: 'malformed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'malformed',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'body',
  UND_ERR_INVALID_ARG: 'internal',
  UND_ERR_NOT_SUPPORTED: 'internal',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_CLOSED: 'aborted',
};

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');

/** undici says by the name alone what its parser could not read. */
const isUnreadable = (error: Error, code: string): boolean =>
  error.name === 'HTTPParserError' || (code === 'UND_ERR_SOCKET' && error.message.startsWith('bad '));

const failureOf = (error: Error, sent: boolean): UpstreamFailure => {
  if (error.name === 'BrokenBody') return 'body';
  if (error.name === 'ForbiddenAddress') return 'forbidden_address';
  const code = codeOf(error);
  const known = failures[code];
  if (known) return known;
  if (isUnreadable(error, code)) return 'malformed';
  return sent ? 'reset' : 'unreachable';
};

/** undici's error in the words of the port. `sent`: the call had begun to leave. */
export const faultOf = (error: Error, sent: boolean): UpstreamFault => ({
  failure: failureOf(error, sent),
  sent,
  message: error.message,
  cause: error,
});
