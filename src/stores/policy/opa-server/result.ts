import type { PolicyAnswer } from '../../../checks/policy-engine.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A document without `result` is one whose rule is undefined. Throws where it is no answer of OPA's. */
export const readResult = (body: string): PolicyAnswer => {
  const answer: unknown = JSON.parse(body);
  if (!isObject(answer)) throw new Error('the answer is no JSON object');
  return Object.hasOwn(answer, 'result') ? { outcome: 'value', value: answer['result'] } : { outcome: 'undefined' };
};

const MOST_CHARACTERS = 300;

/** A policy that cannot answer this question. The server itself is well. */
export class PolicyError extends Error {}

const read = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const answer: unknown = JSON.parse(body);
    return isObject(answer) ? answer : {};
  } catch {
    return {};
  }
};

/** What OPA says of a question that it does not answer, for the log. Nothing of what is no error of OPA's is repeated. */
export const refusalOf = (status: number, body: string): Error => {
  const { code, message, errors } = read(body);
  const inner = Array.isArray(errors) ? errors.filter(isObject) : [];
  const said = [message, ...inner.map((error) => error['message'])].filter((text) => typeof text === 'string');
  const text = `the policy server answered ${status}${said.map((part) => `: ${part}`).join('')}`;
  const isOfPolicy = status === 500 && code === 'internal_error' && inner.length > 0;
  return new (isOfPolicy ? PolicyError : Error)(text.replaceAll(/\s+/g, ' ').slice(0, MOST_CHARACTERS));
};
