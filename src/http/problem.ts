/** Refusals as RFC 9457 problem documents. */
import { type Refusal, refusalKinds } from '../core/refusal.ts';
import { HeaderLines, linesOf } from './header-lines.ts';
import type { Reply } from './reply.ts';

export const problemType = (code: string): string => `urn:sallyport:problem:${code}`;

export const problemContentType = new HeaderLines({ 'Content-Type': 'application/problem+json' });

/** Invitations are made once for each rule and refused many times: their documents are kept. */
const rendered = new WeakMap<Refusal, string>();

const render = (refusal: Refusal): string => {
  const known = rendered.get(refusal);
  if (known !== undefined) return known;
  const { status, title } = refusalKinds[refusal.code];
  const { code, detail, members } = refusal;
  const document = JSON.stringify({ type: problemType(code), title, status, code, detail, ...members });
  rendered.set(refusal, document);
  return document;
};

/** The whole truth about a refusal: status, headers and document. */
export const problemReply = (refusal: Refusal): Reply => ({
  status: refusalKinds[refusal.code].status,
  headers: refusal.headers ? [problemContentType, linesOf(refusal.headers)] : [problemContentType],
  body: render(refusal),
});
