import type { ServerHttp2Stream } from 'node:http2';
import { Deframer } from './deframer.ts';
import type { Handling } from './handling.ts';
import type { ClientStream, Intake, Peer } from './method.ts';
import { sendAnswer, sendFailure } from './reply.ts';
import { type Failure, INTERNAL, isFailure } from './status.ts';

const cutShort: Failure = { code: INTERNAL, message: 'the stream ended within a message' };
const broken: Failure = { code: INTERNAL, message: 'a message could not be taken' };

/** Nothing more is read of the stream while `intake` takes what came before: the sender is held back by HTTP/2 flow control. */
const takeAll = async (stream: ServerHttp2Stream, deframer: Deframer, intake: Intake): Promise<Failure | undefined> => {
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    const messages = deframer.push(piece);
    if (isFailure(messages)) return messages;
    for (const message of messages) {
      const taking = intake.take(message);
      const failure: Failure | undefined = taking instanceof Promise ? await taking : taking;
      if (failure) return failure;
    }
  }
  return deframer.isWhole ? undefined : cutShort;
};

const run = async (stream: ServerHttp2Stream, intake: Intake, handling: Handling): Promise<void> => {
  const deframer = new Deframer(handling.maxMessageBytes, handling.held);
  try {
    const failure = await takeAll(stream, deframer, intake);
    if (failure) sendFailure(stream, failure);
    else sendAnswer(stream, intake.finish());
  } catch (error) {
    // Whoever cuts a stream in the middle waits for no answer.
    if (!stream.destroyed) handling.onError(error);
    sendFailure(stream, broken);
  } finally {
    deframer.close();
  }
};

/** Gives what answers the caller at once, in the middle of the stream; what was sent until then is still taken. */
export const runClientStream = (
  stream: ServerHttp2Stream,
  method: ClientStream,
  peer: Peer,
  handling: Handling,
): (() => void) | undefined => {
  const intake = method.open(peer);
  if (isFailure(intake)) {
    sendFailure(stream, intake);
    return undefined;
  }
  void run(stream, intake, handling);
  return () => sendAnswer(stream, intake.finish());
};
