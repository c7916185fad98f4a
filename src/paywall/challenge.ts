/** The 402: what it costs, in a form for people, for programs and for wallets (NUT-18, NUT-24, NUT-26). */
import { PaymentRequest } from '@cashu/cashu-ts';
import type { RateLimit } from '../core/identity.ts';
import { type Refusal, type RefusalCode, refuse } from '../core/refusal.ts';
import type { Offer, Offers } from './offer.ts';

type ChallengeCode = Extract<RefusalCode, 'payment_required' | 'insufficient_payment' | 'credit_exhausted'>;

export type Challenge = (code: ChallengeCode, detail?: string) => Refusal;

/** `creqA` is CBOR in base64 (NUT-18), `creqB` bech32m (NUT-26). */
export type RequestFormat = 'creqA' | 'creqB' | 'both';

export type ChallengeOptions = Readonly<{
  format: RequestFormat;
  /** What callers have before they are asked to pay. */
  free?: RateLimit;
  /** The key that tokens are to be locked to (NUT-11), compressed, in hex. */
  lockTo?: string;
}>;

/** What a challenge asks for, to be shown. */
export type Asked = Readonly<{
  prices: readonly [Requested, ...Requested[]];
  free: RateLimit | undefined;
}>;

type Requested = Offer & Readonly<{ request: string }>;

/** By the members of their refusals, which several refusals share. */
const known = new WeakMap<object, Asked>();

/** Undefined of a refusal that is no challenge. */
export const askedBy = ({ members }: Refusal): Asked | undefined => members && known.get(members);

const purchaseText = ({ buys }: Offer): string => {
  if ('units' in buys) return `${buys.units} units`;
  if ('timeMs' in buys) return `${Math.round(buys.timeMs / 1000)} seconds of access`;
  return buys.requests === 1 ? 'one request' : `${buys.requests} requests`;
};

const priceText = (offer: Offer, offers: Offers): string => {
  const isOneOfSeveral = offers.some((other) => other !== offer && other.unit === offer.unit);
  const from = isOneOfSeveral ? ` of ${offer.mints.join(' or ')}` : '';
  return `${offer.amount} ${offer.unit}${from} buy ${purchaseText(offer)}`;
};

/** NUT-18 wants base64url. cashu-ts writes the other alphabet, which strict wallets do not read. */
const creqA = (request: PaymentRequest): string => request.toEncodedCreqA().replaceAll('+', '-').replaceAll('/', '_');

const lockOf = (publicKey: string) => ({ kind: 'P2PK', data: publicKey, tags: [] });

/**
 * A request has one unit, and a wallet that reads `X-Cashu` decodes the whole header: what is besides the first request is
 * in the document alone.
 */
const encode = (
  { amount, unit, mints }: Offer,
  { format, lockTo }: ChallengeOptions,
): Readonly<{ request: string; creqB?: string }> => {
  const accepted = mints.length > 0 ? [...mints] : undefined;
  const nut10 = lockTo === undefined ? undefined : lockOf(lockTo);
  const request = new PaymentRequest([], undefined, amount, unit, accepted, undefined, undefined, nut10);
  switch (format) {
    case 'creqA':
      return { request: creqA(request) };
    case 'creqB':
      return { request: request.toEncodedCreqB() };
    case 'both':
      return { request: creqA(request), creqB: request.toEncodedCreqB() };
  }
};

const purchaseOf = ({ buys }: Offer): Readonly<Record<string, number>> => {
  if ('units' in buys) return { units: buys.units };
  return 'timeMs' in buys ? { seconds: buys.timeMs / 1000 } : { requests: buys.requests };
};

const describe = (offer: Offer, options: ChallengeOptions) => {
  const { amount, unit, mints } = offer;
  return { amount, unit, mints, ...encode(offer, options), buys: purchaseOf(offer) };
};

const freeText = ({ limit, windowMs }: RateLimit): string =>
  ` The first ${limit === 1 ? 'request' : `${limit} requests`} in ${windowMs / 1000} seconds are free.`;

export const createChallenge = (offers: Offers, options: ChallengeOptions): Challenge => {
  const { free, lockTo } = options;
  const first = describe(offers[0], options);
  const prices = [first, ...offers.slice(1).map((offer) => describe(offer, options))];
  const members = {
    error: 'Payment Required',
    ...first,
    prices,
    ...(lockTo !== undefined && { nut10: lockOf(lockTo) }),
    ...(free && { free: { requests: free.limit, seconds: free.windowMs / 1000 } }),
  };
  const requested = (offer: Offer): Requested => ({ ...offer, request: encode(offer, options).request });
  known.set(members, { prices: [requested(offers[0]), ...offers.slice(1).map(requested)], free });
  const extras = { headers: { 'X-Cashu': first.request }, members };
  const choice = offers.map((offer) => priceText(offer, offers)).join(', or ');
  const invitation = `${choice}. Send a Cashu token in X-Cashu.${free ? freeText(free) : ''}`;
  const standard = refuse('payment_required', invitation, extras);
  return (code, detail) => (detail === undefined ? standard : refuse(code, `${detail} ${invitation}`, extras));
};
