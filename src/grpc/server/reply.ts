/** How calls end on the wire: trailers, alone or after messages (gRPC over HTTP/2, "Responses"). */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { frame } from './deframer.ts';
import type { Fields } from './method.ts';
import { type Failure, OK } from './status.ts';

const head: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const withTrailers = { waitForTrailers: true };
const okTrailers: OutgoingHttpHeaders = { 'grpc-status': String(OK) };

const isOver = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.closed;

/** A caller who goes on sending after the answer is told to stop. */
const stopReading = (stream: ServerHttp2Stream): void => {
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
};

function sendTrailers(this: ServerHttp2Stream): void {
  if (!isOver(this)) this.sendTrailers(okTrailers);
}

const begin = (stream: ServerHttp2Stream): void => {
  stream.respond(head, withTrailers);
  stream.on('wantTrailers', sendTrailers);
};

/** The one message of an answer. What the caller still sends may be read. */
export const sendAnswer = (stream: ServerHttp2Stream, fields: Fields): void => {
  if (isOver(stream) || stream.headersSent) return;
  begin(stream);
  stream.end(frame(fields));
};

/** The same to a caller whose further messages are of no interest. */
export const sendLastWord = (stream: ServerHttp2Stream, fields: Fields): void => {
  sendAnswer(stream, fields);
  if (!stream.readableEnded) stream.on('wantTrailers', () => stopReading(stream));
};

/** One message of several. */
export const sendMessage = (stream: ServerHttp2Stream, fields: Fields): void => {
  if (isOver(stream)) return;
  if (!stream.headersSent) begin(stream);
  stream.write(frame(fields));
};

/** After the last of several messages. */
export const endMessages = (stream: ServerHttp2Stream): void => {
  if (!isOver(stream) && stream.headersSent) stream.end();
};

export const sendFailure = (stream: ServerHttp2Stream, { code, message }: Failure): void => {
  if (isOver(stream) || stream.headersSent) return;
  stream.respond({ ...head, 'grpc-status': String(code), 'grpc-message': message }, { endStream: true });
  stopReading(stream);
};

/** A refusal that is no gRPC: by HTTP status alone. */
export const sendStatus = (stream: ServerHttp2Stream, status: number): void => {
  stream.respond({ ':status': status }, { endStream: true });
  stopReading(stream);
};
