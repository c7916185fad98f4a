/** No mint and no proxy before it keeps a request for longer whose client has gone. */
const UNDER_WAY_MS = 120_000;

/** The part of an inquiry that knows of posts: when the latest was made whose answer is unknown. */
type Posted = Readonly<{ unansweredAtMs(): number | undefined }>;

/** Whether the mint may still act on a post of ours. `callMs`: how long one waits for its answer before its client goes. */
export const mayBeUnderWay = (inquiry: Posted, nowMs: number, callMs: number): boolean =>
  nowMs - (inquiry.unansweredAtMs() ?? Number.NEGATIVE_INFINITY) < callMs + UNDER_WAY_MS;
