/** The way to one target: one attempt at one call, streaming in both directions. Knows no routes, credentials or retries. */
import type { Duplex, Readable } from 'node:stream';

/** An attempt as it leaves. */
export type UpstreamCall = Readonly<{
  method: string;
  /** In origin form with the query, percent-encoded. */
  path: string;
  /** Name, value, name, value: end-to-end headers alone, without `Host`, `Content-Length` and `Expect`. */
  headers: readonly string[];
  /** Read as fast as the target takes it and never destroyed: an attempt that ends before leaves it paused. */
  body: Readable | Buffer | undefined;
  /** Bytes of a body that streams; undefined sends it in chunks. */
  bodyLength: number | undefined;
  /**
   * How long the target may stand still: until its answer begins, counted anew for each part of the body that it takes, and
   * then between two parts of its answer. Time in which the caller does not read is not counted.
   */
  timeoutMs: number;
  /** Asks the target to speak another protocol from then on; `Upgrade` is not among the headers. */
  upgrade?: 'websocket' | undefined;
}>;

/**
 * Why there is no answer, or no whole one. `malformed`: what came is no HTTP. `unreachable`: no connection, TLS included.
 * `reset`: the connection ended. `aborted`: by whoever sent the call. `body`: the caller's body did not come as announced.
 * `internal`: the call cannot be written down, as with a line break in a header.
 */
export type UpstreamFailure =
  | 'unreachable'
  | 'forbidden_address'
  | 'timeout'
  | 'reset'
  | 'malformed'
  | 'aborted'
  | 'body'
  | 'internal';

/** Plain data, so that whoever implements the port can make it. `message` and `cause` are for the log. */
export type UpstreamFault = Readonly<{
  failure: UpstreamFailure;
  /** Whether the target may have got a part of the call: where it cannot have, another attempt repeats nothing. */
  sent: boolean;
  message: string;
  cause?: unknown;
}>;

/**
 * What becomes of an attempt. `head` once, `data` any number of times, then `end`; or `fail` at any point, and nothing more.
 * None is called before `send` has returned. Interim answers (1xx) and trailers are dropped.
 */
export type AnswerReceiver = Readonly<{
  /** `headers` are name, value, name, value, each byte a character, as the target sent them: hop-by-hop ones too. */
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
  end(): void;
  /** In place of `head`, where the target has switched: nothing more is told, and the socket is the receiver's. */
  switched?(headers: readonly string[], socket: Duplex): void;
  fail(fault: UpstreamFault): void;
}>;

export type Sending = Readonly<{
  /** No more `data` than what has been read already, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection at once; `fail` follows with `aborted`. Nothing happens where the attempt is over. */
  abort(): void;
}>;

export type Upstream = Readonly<{
  send(call: UpstreamCall, receiver: AnswerReceiver): Sending;
  /** Lets calls under way finish; `destroy` ends them. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}>;
