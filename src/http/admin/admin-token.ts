import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Refusal, refuse } from '../../core/refusal.ts';
import type { Secret } from '../../core/secret.ts';
import type { FailureThrottle } from '../../identify/failure-throttle.ts';

const missing = refuse('admin_token_required', 'Send the admin token as Authorization: Bearer …', {
  headers: { 'WWW-Authenticate': 'Bearer realm="sallyport-admin"' },
});

const tooMany = refuse('too_many_failures', 'Too many wrong tokens came from this address. Try again in a minute.', {
  headers: { 'Retry-After': '60' },
});

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer');

/** Node gives each byte of a header as a character. */
const givenToken = ({ headers }: IncomingMessage): Buffer => {
  const [, token = ''] = /^bearer +(.*)$/i.exec(headers.authorization ?? '') ?? [];
  return Buffer.from(token, 'latin1');
};

/**
 * Any of the tokens opens; without them everybody may. Compares digests, so that neither content nor length shows in the
 * time it takes. With a throttle, an address that sent too many wrong tokens is not listened to, whatever it sends: a token
 * may be short enough to be guessed.
 */
export const createTokenCheck = (
  tokens: readonly Secret[] | undefined,
  throttle: FailureThrottle | undefined,
): ((message: IncomingMessage) => Refusal | undefined) => {
  if (!tokens) return () => undefined;
  const expected = tokens.map((token) => digest(Buffer.from(token.reveal())));
  return (message) => {
    const source = `admin ${message.socket.remoteAddress}`;
    if (throttle && !throttle.isOpen(source)) return tooMany;
    const given = digest(givenToken(message));
    if (expected.some((one) => timingSafeEqual(given, one))) return undefined;
    throttle?.recordFailure(source);
    return missing;
  };
};
