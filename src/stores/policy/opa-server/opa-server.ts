/**
 * Policies of an OPA server, asked by its REST API (https://www.openpolicyagent.org/docs/rest-api#get-a-document-with-input):
 * kept connections, a deadline, a bounded answer, no redirects. Whatever is no answer denies.
 */
import { Pool } from 'undici';
import type { PolicyAnswer, PolicyEngine, PolicyOptions } from '../../../checks/policy-engine.ts';
import type { createGuardedLookup } from '../../outbound/address-guard.ts';
import { createConnect } from '../../upstream/connect.ts';
import { documentPath } from '../document-path.ts';
import { NoAnswer, Question, type ServerAnswer, TooLate } from './question.ts';
import { PolicyError, readResult, refusalOf } from './result.ts';

export type OpaServerOptions = PolicyOptions &
  Readonly<{
    /** Where its API is, without `/v1/data`. */
    url: URL;
    /** For DNS; refuses forbidden addresses. */
    lookup: ReturnType<typeof createGuardedLookup>;
  }>;

/** What an answer may weigh. A decision is a boolean, with some reasons. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** More wait in line, and no longer than for their answer. */
const MOST_CONNECTIONS = 32;
/** Shorter than what servers keep. */
const KEEP_ALIVE_MS = 4_000;
/** Readiness asks the server itself, where no request did so lately. */
const PROBE_AFTER_MS = 1_000;
const PROBE_TIMEOUT_MS = 1_000;

const headers = ['content-type', 'application/json', 'accept', 'application/json'];

const asMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createOpaServer = ({ url, lookup, queries, timeoutMs, now }: OpaServerOptions): PolicyEngine => {
  const base = url.pathname.replace(/\/+$/, '');
  const paths = new Map(queries.map((query) => [query, `${base}/v1/data/${documentPath(query)}`]));

  const pool = new Pool(url.origin, {
    connect: createConnect({ timeout: PROBE_TIMEOUT_MS, lookup, allowH2: false, rejectUnauthorized: true }),
    allowH2: false,
    pipelining: 1,
    connections: MOST_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Questions have their own clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  let problem: string | undefined;
  let heardAtMs = Number.NEGATIVE_INFINITY;
  let probing: Promise<void> | undefined;

  const heard = (wrong: string | undefined): void => {
    problem = wrong;
    heardAtMs = now();
  };

  const send = (method: 'GET' | 'POST', path: string, body: string | null, withinMs: number): Promise<ServerAnswer> => {
    const question = new Question(withinMs, MAX_ANSWER_BYTES);
    pool.dispatch({ method, path, headers, body }, question);
    return question.answer;
  };

  /** To ask again changes nothing: a question on a connection that was just being closed is put once more. */
  const ask = async (path: string, body: string): Promise<ServerAnswer> => {
    const startedMs = performance.now();
    try {
      return await send('POST', path, body, timeoutMs);
    } catch (error) {
      const leftMs = timeoutMs - (performance.now() - startedMs);
      if (!(error instanceof NoAnswer) || leftMs <= 0) throw error;
      return send('POST', path, body, leftMs);
    }
  };

  const failed = (error: unknown): PolicyAnswer => {
    heard(error instanceof PolicyError ? undefined : `the policy server gives no answer: ${asMessage(error)}`);
    return error instanceof TooLate ? { outcome: 'timeout' } : { outcome: 'failed', cause: error };
  };

  const probe = async (): Promise<void> => {
    try {
      const { status } = await send('GET', `${base}/health`, null, PROBE_TIMEOUT_MS);
      heard(status === 200 ? undefined : `the policy server says of its health: ${status}`);
    } catch (error) {
      heard(`the policy server gives no answer: ${asMessage(error)}`);
    } finally {
      probing = undefined;
    }
  };

  return {
    async evaluate(query, input) {
      const path = paths.get(query);
      if (path === undefined) return { outcome: 'failed', cause: new Error(`${query} was not loaded`) };
      try {
        const { status, body } = await ask(path, `{"input":${input}}`);
        if (status !== 200) throw refusalOf(status, body);
        const result = readResult(body);
        heard(undefined);
        return result;
      } catch (error) {
        return failed(error);
      }
    },

    async problem() {
      const age = now() - heardAtMs;
      if (age > PROBE_AFTER_MS || age < 0) {
        probing ??= probe();
        await probing;
      }
      return problem;
    },

    close: () => pool.destroy(),
  };
};
