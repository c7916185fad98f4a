/** A call leaves: with its body as it comes, or held until it is there, or to become a WebSocket. */
import type { IncomingMessage } from 'node:http';
import { isRefusal } from '../core/refusal.ts';
import { markCall } from '../egress/loop.ts';
import type { OutgoingCall, Target } from '../egress/target.ts';
import type { AuthResponse } from './auth-response.ts';
import { bodyLengthOf, readBody, tooLarge } from './body.ts';
import type { CallExchange } from './call-exchange.ts';
import { refusedAtOnce } from './egress-refusals.ts';
import { mayArriveSlowly } from './server.ts';

/** Its headers are the call's own: they are added to. */
type WithoutBody = Omit<OutgoingCall, 'body' | 'bodyLength' | 'headers'> & Readonly<{ headers: string[] }>;

const leadsBack = (
  target: Target,
  { headers }: WithoutBody,
  message: IncomingMessage,
  exchange: CallExchange,
): boolean => {
  const lines = message.headers['cdn-loop'];
  const refusal = markCall(target, headers, typeof lines === 'object' ? lines.join() : lines);
  if (refusal) exchange.failed(refusedAtOnce(refusal));
  return refusal !== undefined;
};

/** From here on the caller may send its body: the way is known and open. */
const invite = (message: IncomingMessage, response: AuthResponse): void => {
  if (message.headers.expect !== undefined) response.writeContinue();
  mayArriveSlowly(message);
};

export const sendCall = (
  target: Target,
  outgoing: WithoutBody,
  message: IncomingMessage,
  response: AuthResponse,
  exchange: CallExchange,
): void => {
  if (leadsBack(target, outgoing, message, exchange)) return;
  const bodyLength = bodyLengthOf(message);
  if (bodyLength === 0) {
    const announced = message.headers['content-length'] === undefined ? undefined : 0;
    exchange.sends(target.send({ ...outgoing, body: undefined, bodyLength: announced }, exchange));
    return;
  }
  const most = target.wholeBody(outgoing.method, outgoing.headers, bodyLength);
  if (most !== undefined && bodyLength !== undefined && bodyLength > most) {
    exchange.failed(refusedAtOnce(tooLarge(most)));
    return;
  }
  invite(message, response);
  if (most === undefined) {
    exchange.sends(target.send({ ...outgoing, body: message, bodyLength }, exchange));
    return;
  }
  readBody(message, most).then(
    (body) => {
      if (isRefusal(body)) exchange.failed(refusedAtOnce(body));
      else if (!exchange.isOver) exchange.sends(target.send({ ...outgoing, body, bodyLength: body.length }, exchange));
    },
    (cause: unknown) => exchange.unexpected(cause),
  );
};

export const sendUpgrade = (
  target: Target,
  outgoing: WithoutBody,
  message: IncomingMessage,
  exchange: CallExchange,
): void => {
  if (leadsBack(target, outgoing, message, exchange)) return;
  const call = { ...outgoing, body: undefined, bodyLength: undefined, upgrade: 'websocket' } as const;
  exchange.sends(target.sendOnce(call, exchange));
};
