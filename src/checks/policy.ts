/** Whether a policy allows the request. Read-only; what the policy does not clearly allow is denied. */

import { whenReady } from '../core/eventually.ts';
import type { Findings } from '../core/findings.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Check, Passed } from '../core/rule.ts';
import type { PolicyAnswer, PolicyEngine } from './policy-engine.ts';
import { inputText, type PolicyInput, policyInput, toldTo } from './policy-input.ts';
import { policyResult } from './policy-result.ts';

export type PolicyCheckOptions = Readonly<{
  /** Headers that the policy sees, as it spells them. */
  extract: readonly string[];
  /** Whether a caller who is denied is told the reasons. */
  exposeReasons: boolean;
  /** The target of a call of egress. */
  target?: string | undefined;
  /** Bytes of the input as JSON in UTF-8. */
  maxInputBytes: number;
}>;

const failed = (cause: unknown): Refusal => refuse('policy_failed', 'The policy cannot be asked.', { cause });

const denied = (findings: Findings | undefined, exposeReasons: boolean): Refusal =>
  refuse('policy_denied', 'The policy denies the request.', {
    ...(findings && { findings }),
    ...(findings && exposeReasons && { members: { reasons: findings.reasons } }),
  });

/** What a policy's answer makes of a request. */
export const concludePolicy = (
  query: string,
  answer: PolicyAnswer,
  exposeReasons: boolean,
): Refusal | Passed | undefined => {
  switch (answer.outcome) {
    case 'undefined':
      return refuse('policy_undefined', 'The policy says nothing about the request.');
    case 'timeout':
      return refuse('policy_timeout', 'The policy does not answer in time.');
    case 'failed':
      return failed(answer.cause);
    case 'value': {
      const result = policyResult(answer.value);
      if (typeof result === 'string') {
        const cause = new TypeError(`${query} gives ${result}`);
        return refuse('policy_malformed', 'The policy gives an answer of another form.', { cause });
      }
      const { allow, findings } = result;
      if (!allow) return denied(findings, exposeReasons);
      return findings && { findings };
    }
  }
};

/** No character of UTF-16 is more than three bytes. `AROUND`: braces and commas. */
const MOST_BYTES = 3;
const AROUND = 4;

const isTooLong = (input: PolicyInput, maxBytes: number): boolean => {
  const { own, parts } = input;
  const length = own.length + parts[0].members.length + parts[1].members.length + AROUND;
  return length * MOST_BYTES > maxBytes && Buffer.byteLength(inputText(input)) > maxBytes;
};

/** `query` is one that the engine was loaded for. */
export const createPolicyCheck = (
  query: string,
  engine: Pick<PolicyEngine, 'evaluate' | 'evaluateParts' | 'reads'>,
  { extract, exposeReasons, target, maxInputBytes }: PolicyCheckOptions,
): Check => {
  const told = toldTo(engine, extract, target);
  const conclude = (answer: PolicyAnswer) => concludePolicy(query, answer, exposeReasons);

  const check: Check = (request, identity) => {
    const input = policyInput(request, identity, told);
    if (isTooLong(input, maxInputBytes)) {
      return failed(new RangeError(`${query}: the input is longer than policy.max_input_size, ${maxInputBytes} bytes`));
    }
    const answer = engine.evaluateParts
      ? engine.evaluateParts(query, input.own, input.parts)
      : engine.evaluate(query, inputText(input));
    return whenReady(answer, conclude);
  };
  return Object.assign(check, { label: `policy ${query}` });
};
