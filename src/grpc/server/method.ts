/** What a gRPC service offers, apart from how it comes over the wire. */
import type { Eventually } from '../../core/eventually.ts';
import type { Bytes } from '../protobuf/writer.ts';
import type { Failure } from './status.ts';

/** Who is on the other end of the connection. */
export type Peer = Readonly<{ ip: string; trusted: boolean }>;

/** The fields of a message, one after another. */
export type Fields = readonly Bytes[];

export type Unary = Readonly<{
  kind: 'unary';
  /** The answer to callers whose message need not be read. */
  answerAtOnce?(peer: Peer): Fields | Failure | undefined;
  /** `message` is a failure where none came that can be taken. Must not throw. */
  answer(message: Buffer | Failure, peer: Peer): Eventually<Fields | Failure>;
}>;

/** Where the messages of one client stream go. */
export type Intake = Readonly<{
  /** The next message is taken when this one's promise is settled; a failure ends the call. Must not throw. */
  take(message: Buffer): Eventually<Failure | undefined>;
  /** The answer, when the client has sent all. */
  finish(): Fields;
}>;

export type ClientStream = Readonly<{ kind: 'client_stream'; open(peer: Peer): Intake | Failure }>;

export type ServerStream = Readonly<{
  kind: 'server_stream';
  /** Gives what ends it when the caller is gone, or why there is no stream. */
  open(message: Buffer | Failure, send: (fields: Fields) => void): (() => void) | Failure;
}>;

export type Method = Unary | ClientStream | ServerStream;

/** By path, as in `/grpc.health.v1.Health/Check`. */
export type Methods = Readonly<Record<string, Method>>;
