/** One attempt: the credentials put on a call, and the call sent. */
import type { Eventually } from '../core/eventually.ts';
import { type Credential, CredentialForbidden, CredentialUnavailable, type Dressing } from './credential.ts';
import { withQuery } from './query.ts';
import type { CallReceiver, CallRefused, OutgoingCall, SendCall } from './target.ts';
import type { AnswerReceiver, Sending, Upstream } from './upstream.ts';

type Parts = Readonly<{ origin: string; credentials: readonly Credential[]; upstream: Pick<Upstream, 'send'> }>;

type Worn = Readonly<{ credential: Credential; dressing: Dressing }>;
type Dressed = Readonly<{ call: OutgoingCall; worn: readonly Worn[] }>;

const put = (call: OutgoingCall, { headers, query }: Dressing): OutgoingCall => ({
  ...call,
  headers: headers.length === 0 ? call.headers : [...call.headers, ...headers],
  path: query === '' ? call.path : addQuery(call.path, query),
});

const addQuery = (target: string, added: string): string => {
  const mark = target.indexOf('?');
  return mark < 0 ? withQuery(target, '', added) : withQuery(target.slice(0, mark), target.slice(mark + 1), added);
};

/** One after the other, from the one at `from`: a signature is over what the others have set. */
const dress = (parts: Parts, from: number, { call, worn }: Dressed): Eventually<Dressed> => {
  const { origin, credentials } = parts;
  const body = Buffer.isBuffer(call.body) ? call.body : undefined;
  let current = call;
  const all = [...worn];
  for (let at = from; at < credentials.length; at++) {
    const credential = credentials[at];
    if (!credential) break;
    const { method, path, headers } = current;
    const dressing = credential.dress({ method, origin, path, headers, body });
    if (dressing instanceof Promise) {
      const before = { call: current, worn: all };
      return dressing.then((late) => dress(parts, at + 1, wear(before, credential, late)));
    }
    current = put(current, dressing);
    all.push({ credential, dressing });
  }
  return { call: current, worn: all };
};

const wear = ({ call, worn }: Dressed, credential: Credential, dressing: Dressing): Dressed => ({
  call: put(call, dressing),
  worn: [...worn, { credential, dressing }],
});

const refusedBy = (cause: unknown): CallRefused => ({
  why: cause instanceof CredentialForbidden ? 'forbidden' : 'credential',
  retryAfterMs: cause instanceof CredentialUnavailable ? cause.retryAfterMs : undefined,
  cause,
});

/** Every credential is asked, so that none keeps what the target has refused. */
const renewAll = (worn: readonly Worn[]): boolean =>
  worn.map(({ credential, dressing }) => credential.renew?.(dressing) ?? false).includes(true);

/** What holds a call while its credential is fetched. */
class Waiting implements Sending {
  #sending: Sending | undefined;
  #isPaused = false;
  isAborted = false;
  readonly #receiver: AnswerReceiver;

  constructor(receiver: AnswerReceiver) {
    this.#receiver = receiver;
  }

  begin(sending: Sending): void {
    this.#sending = sending;
    if (this.#isPaused) sending.pause();
  }

  pause(): void {
    this.#isPaused = true;
    this.#sending?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#sending?.resume();
  }

  abort(): void {
    this.#sending?.abort();
    if (this.#sending || this.isAborted) return;
    this.isAborted = true;
    this.#receiver.fail({ failure: 'aborted', sent: false, message: 'the call was given up before it was sent' });
  }
}

const nothing: Sending = { pause: () => undefined, resume: () => undefined, abort: () => undefined };

export const createSendOnce = (parts: Parts): SendCall => {
  const { credentials, upstream } = parts;
  const version = credentials.map((credential) => credential.version).join(',');
  const renews = credentials.some(({ renew }) => renew !== undefined);

  const start = ({ call, worn }: Dressed, receiver: CallReceiver): Sending => {
    if (renews) receiver.attempt(version, () => renewAll(worn));
    else receiver.attempt(version);
    return upstream.send(call, receiver);
  };

  const startLater = (dressing: Promise<Dressed>, receiver: CallReceiver): Sending => {
    const waiting = new Waiting(receiver);
    dressing.then(
      (dressed) => {
        if (!waiting.isAborted) waiting.begin(start(dressed, receiver));
      },
      (cause: unknown) => {
        if (!waiting.isAborted) receiver.refuse(refusedBy(cause));
      },
    );
    return waiting;
  };

  return (call, receiver) => {
    let dressed: Eventually<Dressed>;
    try {
      dressed = dress(parts, 0, { call, worn: [] });
    } catch (cause) {
      receiver.refuse(refusedBy(cause));
      return nothing;
    }
    return dressed instanceof Promise ? startLater(dressed, receiver) : start(dressed, receiver);
  };
};
