/** Finds the method that a call is for, and refuses what is no gRPC call. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { runClientStream } from './client-stream-call.ts';
import { timeoutMsOf } from './deadline.ts';
import type { Handling } from './handling.ts';
import { holdHead } from './head.ts';
import type { Methods, Peer } from './method.ts';
import { sendFailure, sendStatus } from './reply.ts';
import { type Failure, INVALID_ARGUMENT, UNIMPLEMENTED } from './status.ts';
import { runServerStream, runUnary } from './unary-call.ts';

const noSuchMethod: Failure = { code: UNIMPLEMENTED, message: 'no such method' };
const badTimeout: Failure = { code: INVALID_ARGUMENT, message: 'grpc-timeout cannot be read' };
const compression: Failure = { code: UNIMPLEMENTED, message: 'compressed messages are not taken: send identity' };

const contentType = /^application\/grpc(?:\+proto)?(?:;|$)/;

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'object' ? header.join() : header;

const isGrpc = (headers: IncomingHttpHeaders): boolean =>
  headers[':method'] === 'POST' && contentType.test(headers['content-type'] ?? '');

const encodingProblem = (encoding: string | undefined): Failure | undefined =>
  encoding === undefined || encoding === 'identity' ? undefined : compression;

/** A call that would go on until its caller ends it. `lastsWhile`: how far the listener's own end lets it go on. */
export type LongCall = Readonly<{ lastsWhile: 'open' | 'draining'; end(): void }>;

/** `raw` is the head as it came: name, value, name, value. */
export type Dispatch = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  peer: Peer,
) => LongCall | undefined;

export const createDispatch =
  (methods: Methods, handling: Handling): Dispatch =>
  (stream, headers, raw, peer) => {
    // Cut by its caller, which is no fault of ours.
    stream.on('error', () => undefined);
    const refuse = (failure: Failure) => void sendFailure(stream, failure);
    const excess = holdHead(stream, raw, handling.held);
    if (!isGrpc(headers)) return void sendStatus(stream, 415);
    const path = headers[':path'] ?? '';
    const method = Object.hasOwn(methods, path) ? methods[path] : undefined;
    if (!method) return refuse(noSuchMethod);
    const problem = excess ?? encodingProblem(single(headers['grpc-encoding']));
    if (problem) return refuse(problem);
    const timeoutMs = timeoutMsOf(single(headers['grpc-timeout']));
    if (timeoutMs === undefined) return refuse(badTimeout);
    switch (method.kind) {
      case 'unary':
        return void runUnary(stream, method, peer, handling, timeoutMs);
      case 'server_stream':
        return { lastsWhile: 'draining', end: runServerStream(stream, method, handling) };
      case 'client_stream': {
        const end = runClientStream(stream, method, peer, handling);
        return end && { lastsWhile: 'open', end };
      }
    }
  };
