/**
 * Which headers go on to the target, and which of its answer to the caller. What belongs to one connection is taken off before
 * a credential is put on, so that no `Connection: authorization` of a caller takes that off again (RFC 9110 section 7.6.1).
 */
import { canonicalHeader, hopByHop } from '../core/header-names.ts';

/** Written anew for the message that leaves. */
const framing = ['host', 'content-length', 'expect'];

/** The way inside of the caller's network is nothing to the target, which sees Sallyport as its client. */
const route = ['forwarded', 'via', 'x-real-ip', 'x-original-url', 'x-original-uri', 'x-rewrite-url', 'true-client-ip'];
const ROUTE_FAMILY = 'x-forwarded-';

type Drop = (canonical: string) => boolean;

const MOST_REMEMBERED = 2_000;
const LONGEST_REMEMBERED = 64;

/** Callers spell the same few names in every call. */
const remembering = (drop: Drop): Drop => {
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const dropped = drop(canonicalHeader(name));
    if (name.length > LONGEST_REMEMBERED) return dropped;
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(name, dropped);
    return dropped;
  };
};

const listed = (value: string): string[] => value.split(',').map((name) => canonicalHeader(name.trim()));

const isConnection = (name: string): boolean => name.length === 10 && name.toLowerCase() === 'connection';

/** Names that the message's own `Connection` lines list; most list none that matter. */
const namedInConnection = (raw: readonly string[]): readonly string[] => {
  let named: string[] | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    if (!isConnection(raw[index] ?? '')) continue;
    const value = raw[index + 1] ?? '';
    if (value !== 'keep-alive' && value !== 'close') named = [...(named ?? []), ...listed(value)];
  }
  return named ?? [];
};

const filter = (raw: readonly string[], dropped: Drop): string[] => {
  const named = namedInConnection(raw);
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (dropped(name) || (named.length > 0 && named.includes(canonicalHeader(name)))) continue;
    kept.push(name, raw[index + 1] ?? '');
  }
  return kept;
};

export type HeaderFilter = (raw: readonly string[]) => string[];

/**
 * `injected`: what is set here. No copy of the caller's leaves, in any case and with `_` or another character for `-`. `families`: beginnings of
 * names that only others may set, in lower case.
 */
export const createRequestFilter = (injected: readonly string[], families: readonly string[] = []): HeaderFilter => {
  const names = new Set([...hopByHop, ...framing, ...route, ...injected.map(canonicalHeader)]);
  const beginnings = [ROUTE_FAMILY, ...families];
  const dropped = remembering((name) => names.has(name) || beginnings.some((beginning) => name.startsWith(beginning)));
  return (raw) => filter(raw, dropped);
};

/** `Alt-Svc` speaks for the target's origin, which is not the one that the caller asked. */
const answerNames = new Set([...hopByHop, 'alt-svc']);

const droppedFromAnswer = remembering((name) => answerNames.has(name));
const droppedFromEmptyAnswer = remembering((name) => answerNames.has(name) || name === 'content-length');

/** As `filterAnswer`, without what is set here. */
export const createAnswerFilter = (injected: readonly string[]): typeof filterAnswer => {
  const names = new Set([...answerNames, ...injected.map(canonicalHeader)]);
  const dropped = remembering((name) => names.has(name));
  const droppedFromEmpty = remembering((name) => names.has(name) || name === 'content-length');
  return (raw, isEmpty = false) => filter(raw, isEmpty ? droppedFromEmpty : dropped);
};

/** The length stays, for whoever writes the answer; `isEmpty` where there is none to have. */
export const filterAnswer = (raw: readonly string[], isEmpty = false): string[] =>
  filter(raw, isEmpty ? droppedFromEmptyAnswer : droppedFromAnswer);
