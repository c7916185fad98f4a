/** Refusals as RFC 9457 problem documents. */
import { perObject } from '../core/per-object.ts';
import { type Refusal, refusalKinds } from '../core/refusal.ts';
import { HeaderLines, linesOf } from './header-lines.ts';
import type { Reply } from './reply.ts';

export const problemType = (code: string): string => `urn:sallyport:problem:${code}`;

export const problemContentType = new HeaderLines({ 'Content-Type': 'application/problem+json' });

/** What a payment would cure is answered to browsers by a page. */
const negotiated = new HeaderLines({ ...problemContentType.headers, Vary: 'Accept, Sec-Fetch-Dest' });

/** Invitations are made once for each rule and refused many times: their documents are kept. */
const render = perObject(({ code, detail, members }: Refusal): string => {
  const { status, title } = refusalKinds[code];
  return JSON.stringify({ type: problemType(code), title, status, code, detail, ...members });
});

/** The whole truth about a refusal: status, headers and document. */
export const problemReply = (refusal: Refusal): Reply => {
  const { status } = refusalKinds[refusal.code];
  const own = status === 402 ? negotiated : problemContentType;
  return { status, headers: refusal.headers ? [own, linesOf(refusal.headers)] : [own], body: render(refusal) };
};
