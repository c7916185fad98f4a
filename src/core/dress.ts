/** Puts an identity into headers for the application. */
import type { Headers } from './decision.ts';
import { canonicalHeader } from './header-names.ts';
import type { Identity } from './identity.ts';
import type { CreditReceipt, Receipt } from './payment.ts';
import { perObject } from './per-object.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import type { AuthRequest, ClientCertificate } from './request.ts';
import { sessionCookie } from './session-cookie.ts';

/** Gives the value of one header; undefined or empty where there is none. Lists are joined by commas. */
type DresserOf<Source> = Readonly<{
  header: string;
  value: (source: Source) => string | readonly string[] | undefined;
}>;

export type Dresser = DresserOf<Identity>;

/** For headers of the client's certificate, by whichever credential the caller is known. */
export type CertificateDresser = DresserOf<ClientCertificate>;

/**
 * The headers that say what was paid and what runs for it (seed 004), what is left, and by which id the application reports
 * what it used. More of a pod is told by choice (`ProvisionedPod`).
 */
export const paymentHeaders = [
  'X-Payment-Verified',
  'X-Payment-Amount',
  'X-Payment-Balance',
  'X-Payment-Use',
  'X-Provisioned-Pod',
] as const;

const control = /\p{Cc}/u;
const plain = /^[\u0020-\u007e]*$/;

const utf8 = new TextEncoder();

/** Header values are bytes (RFC 9110 section 5.5): text beyond ASCII goes out as UTF-8, one character a byte for Node. */
const encode = (text: string): string => (plain.test(text) ? text : String.fromCharCode(...utf8.encode(text)));

const unsafe = (header: string): Refusal =>
  refuse('unsafe_identity', `A value for ${header} has characters that a header cannot carry.`);

const LONGEST_VALUE = 8_192;

export type Dress = (identity: Identity, certificate?: ClientCertificate) => Headers | Refusal;

/**
 * Whether a header can say it and nothing else: blanks around it are no part of a value (RFC 9110 section 5.5), so that ` admin`
 * would arrive as `admin`, and halves of characters would all arrive as one.
 */
const isSayable = (text: string): boolean => text === text.trim() && text.isWellFormed() && !control.test(text);

const headerValue = <Source>({ header, value }: DresserOf<Source>, source: Source): string | Refusal => {
  const found = value(source);
  if (found === undefined) return '';
  const isList = typeof found !== 'string';
  if (isList && found.some((entry) => entry.includes(','))) return unsafe(header);
  if (!(isList ? found.every(isSayable) : isSayable(found))) return unsafe(header);
  const text = isList ? found.join(',') : found;
  return text.length > LONGEST_VALUE ? unsafe(header) : encode(text);
};

const dressWith = <Source>(
  before: Headers,
  dressers: readonly DresserOf<Source>[],
  source: Source,
): Headers | Refusal => {
  const headers: Record<string, string> = { ...before };
  for (const dresser of dressers) {
    const value = headerValue(dresser, source);
    if (isRefusal(value)) return value;
    headers[dresser.header] = value;
  }
  return headers;
};

/**
 * `managed` names every header that any rule can set: each is present in the result, so that no rule lets through a
 * client's copy of another rule's header. A value that would break out of its header refuses the request. Identities are
 * one object for as long as their credential is cached, and are dressed once; so are certificates, for each identity.
 */
export const createDress = (
  managed: readonly string[],
  dressers: readonly Dresser[],
  certificateDressers: readonly CertificateDresser[] = [],
): Dress => {
  const nothing = Object.fromEntries(managed.map((name) => [name, '']));
  const dressIdentity = perObject((identity: Identity) => dressWith(nothing, dressers, identity));
  if (certificateDressers.length === 0) return dressIdentity;

  const withCertificate = perObject((headers: Headers) =>
    perObject((certificate: ClientCertificate) => dressWith(headers, certificateDressers, certificate)),
  );
  return (identity, certificate) => {
    const headers = dressIdentity(identity);
    return certificate && !isRefusal(headers) ? withCertificate(headers)(certificate) : headers;
  };
};

/** An item with parameters, as RFC 9651 writes it: `12;unit=sat`, or `12;unit=sat;units=400`. */
const balanceText = ({ balance, unit, use }: Receipt): string =>
  `${balance};unit=${unit}${use ? `;units=${use.unitsLeft}` : ''}`;

/** What an identity's headers became when bought time ran, and by which receipt last. */
const dressedBefore = new WeakMap<Headers, Readonly<{ receipt: Receipt; dressed: Headers }>>();

export const dressPayment = (headers: Headers, receipt: Receipt): Headers => {
  const before = dressedBefore.get(headers);
  if (before?.receipt === receipt) return before.dressed;
  const payment: Headers = {
    'X-Payment-Verified': 'true',
    'X-Payment-Amount': String(receipt.amount),
    'X-Payment-Balance': balanceText(receipt),
    'X-Payment-Use': receipt.use?.id ?? '',
    'X-Provisioned-Pod': receipt.pod?.name ?? '',
    ...receipt.pod?.headers,
  };
  if (!receipt.isRunning) return { ...headers, ...payment };
  const isSame = before && Object.entries(payment).every(([name, value]) => before.dressed[name] === value);
  const dressed = isSame ? before.dressed : { ...headers, ...payment };
  dressedBefore.set(headers, { receipt, dressed });
  return dressed;
};

/** What the holder of a key with credits is told. */
export const tellCredits = ({ creditsLeft }: CreditReceipt): Headers => ({
  'X-Credits-Remaining': String(creditsLeft),
});

const tellBalance = (receipt: Receipt): Headers => ({ 'X-Payment-Balance': balanceText(receipt) });

const tellRunning = perObject(tellBalance);

/** What the payer is told. */
export const tellPayer = (receipt: Receipt, scheme: AuthRequest['scheme']): Headers => {
  if (!receipt.session) return receipt.isRunning ? tellRunning(receipt) : tellBalance(receipt);
  const balance = tellBalance(receipt);
  const { id, maxAgeSeconds } = receipt.session;
  const cookie = sessionCookie(id.reveal(), maxAgeSeconds, scheme);
  return { ...balance, 'X-Payment-Session': id.reveal(), 'Set-Cookie': cookie };
};

const plainName = /^[A-Za-z0-9-]+$/;

/**
 * Whether some applications read a client's header as one of ours (`canonicalHeader`). Our own spelling is no imitation, for the
 * proxy replaces it.
 */
export const createImitationTest = (managed: readonly string[]): ((name: string) => boolean) => {
  const own = new Set(managed.map((name) => name.toLowerCase()));
  const canonical = new Set(managed.map(canonicalHeader));
  const lengths = new Set(managed.map(({ length }) => length));
  const isPlain = managed.every((name) => plainName.test(name));
  return (name) =>
    lengths.has(name.length) &&
    !(isPlain && plainName.test(name)) &&
    canonical.has(canonicalHeader(name)) &&
    !own.has(name.toLowerCase());
};
