/** What the page says to people, where `detail` speaks to programs. */
import type { RefusalCode } from '../../core/refusal.ts';

const later =
  'This site cannot take payments at this moment. Your token is not lost: send the same one again in a moment.';

/** Said where the page has no sentence for a code; and by its script where there is none at all. */
export const otherwise = 'That did not work. Your token is not lost: try again, or reload this page.';

export const words: Readonly<Partial<Record<RefusalCode | 'unreachable', string>>> = {
  invalid_session:
    'Your earlier payment is not remembered any more. Send the token that you paid with, which still opens what is left of it, or another.',
  credit_exhausted: 'What you paid for is used up. What is left, if anything, is added to your next payment.',
  insufficient_payment: 'This token is worth too little. It was not taken: it is still yours.',
  malformed_payment: 'This is no Cashu token. Copy all of it from your wallet: it begins with cashuA or cashuB.',
  wrong_mint: 'This token is of a mint that is not accepted here. It was not taken: it is still yours.',
  wrong_unit: 'This token is in another currency than the price. It was not taken: it is still yours.',
  wrong_lock: 'This token is locked otherwise than this site asks. It was not taken: it is still yours.',
  payment_spent: 'This token has been spent already. Make another one in your wallet.',
  payment_rejected: 'The mint does not accept this token. Make another one in your wallet.',
  payment_overlap: 'A part of this token was used here before. Send the token of that time, or make another one.',
  ambiguous_credentials: 'More than one token was sent. Send one at a time.',
  payment_uncertain:
    'The mint has not confirmed your token yet. It is not lost: send the same one again in a moment, and no other.',
  store_unavailable: later,
  internal_error: later,
  too_many_failures: 'Too many bad tokens came from your network. This one was not touched: send it again in a minute.',
  rate_limited: 'You have made too many requests. Your token was not touched: send it again later.',
  cross_site: 'This form came from another site. Open the page that you want to pay for, and pay there.',
  unreachable: 'This site cannot be reached. Your token is not lost: send the same one again in a moment.',
};

/** Tokens that are worth nothing any more need not stay in the field. */
const worthless: ReadonlySet<RefusalCode> = new Set(['payment_spent', 'payment_rejected']);

export const isWorthKeeping = (code: RefusalCode): boolean => !worthless.has(code);
