import type { ServerHttp2Stream } from 'node:http2';
import { Deframer } from './deframer.ts';
import type { Handling } from './handling.ts';
import type { Fields, Peer, ServerStream, Unary } from './method.ts';
import { endMessages, sendFailure, sendLastWord, sendMessage } from './reply.ts';
import { DEADLINE_EXCEEDED, type Failure, INTERNAL, isFailure } from './status.ts';

const notOne: Failure = { code: INTERNAL, message: 'expected one message' };
const late: Failure = { code: DEADLINE_EXCEEDED, message: 'not answered within grpc-timeout' };
const broken: Failure = { code: INTERNAL, message: 'the call could not be answered' };

const conclude = (stream: ServerHttp2Stream, outcome: Fields | Failure): void => {
  if (isFailure(outcome)) sendFailure(stream, outcome);
  else sendLastWord(stream, outcome);
};

/** Hands on the one message that a call consists of, or why there is none. */
const readOne = (
  stream: ServerHttp2Stream,
  { maxMessageBytes, held, arrivals }: Handling,
  next: (message: Buffer | Failure) => void,
): void => {
  const deframer = new Deframer(maxMessageBytes, held);
  let found: Buffer | undefined;
  let done = false;
  const settle = (message: Buffer | Failure): void => {
    if (done) return;
    done = true;
    arrivals.over(settle);
    next(message);
  };
  arrivals.awaited(settle);
  stream.on('data', (piece: Buffer) => {
    if (done) return;
    const messages = deframer.push(piece);
    if (isFailure(messages)) return settle(messages);
    const [message, more] = messages;
    if (more || (message && found)) return settle(notOne);
    found ??= message;
  });
  stream.on('end', () => settle(found && deframer.isWhole ? found : notOne));
  stream.on('close', () => {
    arrivals.over(settle);
    deframer.close();
  });
};

/** What takes longer than the caller waits goes on all the same: it may be a payment. */
const answerInTime = async (
  stream: ServerHttp2Stream,
  answer: Promise<Fields | Failure>,
  timeoutMs: number,
  { sendLater, onError }: Handling,
): Promise<void> => {
  const timer = Number.isFinite(timeoutMs) ? setTimeout(sendFailure, timeoutMs, stream, late) : undefined;
  try {
    const outcome = await answer;
    sendLater(() => conclude(stream, outcome));
  } catch (error) {
    onError(error);
    sendFailure(stream, broken);
  } finally {
    clearTimeout(timer);
  }
};

export const runUnary = (
  stream: ServerHttp2Stream,
  method: Unary,
  peer: Peer,
  handling: Handling,
  timeoutMs: number,
): void => {
  const atOnce = method.answerAtOnce?.(peer);
  if (atOnce) {
    conclude(stream, atOnce);
    return;
  }
  readOne(stream, handling, (message) => {
    const answer = method.answer(message, peer);
    if (answer instanceof Promise) void answerInTime(stream, answer, timeoutMs, handling);
    else handling.sendLater(() => conclude(stream, answer));
  });
};

/** Gives what ends it, with what was sent until then. */
export const runServerStream = (stream: ServerHttp2Stream, method: ServerStream, handling: Handling): (() => void) => {
  readOne(stream, handling, (message) => {
    const opened = method.open(message, (fields) => sendMessage(stream, fields));
    if (typeof opened === 'object') sendFailure(stream, opened);
    else stream.once('close', opened);
  });
  return () => endMessages(stream);
};
