/** Policies of a directory, evaluated in this process: regorus, an interpreter of Rego, compiled to WebAssembly. */
import type {
  InputParts,
  LoadedPolicy,
  PolicyAnswer,
  PolicyEngine,
  PolicyOptions,
} from '../../../checks/policy-engine.ts';
import { clockReads } from './clock-reads.ts';
import { fill, LOAD_TIMEOUT_MS, noInput, problemsAsked, readSyntax } from './fill.ts';
import { inputReads } from './input-reads.ts';
import type { Instance, Outcome } from './instance.ts';
import { createKeptParts, type KeptParts } from './kept-parts.ts';
import { createKnownAnswers } from './known-answers.ts';
import { readTexts } from './policy-texts.ts';
import { reachable } from './reachable.ts';
import { createUnchanged } from './unchanged.ts';

/** Memory is never given back: an instance that came to need so much more than it did at first is replaced. */
const MOST_GROWTH = 32 * 1024 * 1024;

const failed = (message: string, cause?: unknown): PolicyAnswer => ({
  outcome: 'failed',
  cause: new Error(message, { cause }),
});

const answer = (outcome: Outcome): PolicyAnswer => {
  switch (outcome.outcome) {
    case 'value':
      return { outcome: 'value', value: JSON.parse(outcome.json) };
    case 'boolean':
      return { outcome: 'value', value: outcome.value };
    case 'undefined':
    case 'timeout':
      return { outcome: outcome.outcome };
    case 'unknown':
      return failed('a rule that was there is gone');
    case 'failed':
      return failed(outcome.message.trim());
    case 'lost':
      return outcome.tookTooLong
        ? { outcome: 'timeout' }
        : failed('the policy took all memory, or made its engine fail', outcome.cause);
  }
};

/** `files` are the texts of the directory `path`, or of the one file, by their names. */
export type RegorusOptions = PolicyOptions & Readonly<{ path: string; files: Readonly<Record<string, string>> }>;

/** Asks every query once. */
export const loadRegorus = ({ path, files, queries, timeoutMs, now }: RegorusOptions): LoadedPolicy => {
  const texts = readTexts(path, files);
  const read = readSyntax(texts, path);
  if ('problems' in read) return read;

  const start = (): Instance => {
    const { instance } = fill(texts);
    for (const query of queries) instance.addQuery(query);
    return instance;
  };

  const first = start();
  const ask = (query: number, input: string, withinMs: number) => first.evaluate(query, input, now(), withinMs);
  const problems = problemsAsked(ask, queries, texts.policies, path);
  if (problems.length > 0) return { problems };

  const numbers = new Map(queries.map((query, number) => [query, number]));
  const sizeAtFirst = first.size();
  let current: KeptParts | undefined = createKeptParts(first);

  /** The first evaluation of an instance prepares it, for which an answer has not the time. */
  const replace = (): KeptParts => {
    const instance = start();
    instance.evaluate(0, noInput, now(), LOAD_TIMEOUT_MS);
    return createKeptParts(instance);
  };

  const evaluate = (number: number, own: string, parts: InputParts | undefined, nowMs: number): PolicyAnswer => {
    try {
      current ??= replace();
      const { instance } = current;
      const outcome = parts
        ? current.evaluate(number, own, parts, nowMs, timeoutMs)
        : instance.evaluate(number, own, nowMs, timeoutMs);
      if (outcome.outcome === 'lost' || instance.size() > sizeAtFirst + MOST_GROWTH) current = undefined;
      return answer(outcome);
    } catch (cause) {
      current = undefined;
      return failed('the engine of policies cannot be started', cause);
    }
  };

  const modules = reachable(read.modules, queries);
  const moments = clockReads(modules);
  const known = moments && createKnownAnswers(createUnchanged(moments));

  const notLoaded = (query: string): PolicyAnswer => failed(`${query} was not loaded`);

  const engine: PolicyEngine = {
    evaluate(query, input) {
      const number = numbers.get(query);
      return number === undefined ? notLoaded(query) : evaluate(number, input, undefined, now());
    },

    evaluateParts(query, own, parts) {
      const number = numbers.get(query);
      if (number === undefined) return notLoaded(query);
      const nowMs = now();
      const ask = () => evaluate(number, own, parts, nowMs);
      return known ? known.to(number, own, parts, nowMs, ask) : ask();
    },

    reads: inputReads(modules),

    async close() {
      current = undefined;
    },
  };
  return { engine };
};
