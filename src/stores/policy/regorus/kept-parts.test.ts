import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InputPart } from '../../../checks/policy-engine.ts';
import { loadRegorus } from './regorus.ts';

const policy = `package who
told := [input.token.sub, input.mtls.serial, input.request.path]
only := object.keys(input)
# Whoever reads the clock is asked each time.
clock := time.now_ns()
memory if count(numbers.range(1, input.token.many)) > 0
`;

const load = () => {
  const queries = ['data.who.told', 'data.who.only', 'data.who.memory'];
  const files = { 'who.rego': policy };
  const loaded = loadRegorus({ path: '/policies', files, queries, timeoutMs: 50, now: () => 0 });
  if (!('engine' in loaded) || !loaded.engine.evaluateParts) throw new Error('the policy cannot be loaded');
  const { evaluateParts } = loaded.engine;
  return (path: string, caller: InputPart, certificate: InputPart, query = 'data.who.told') => {
    const answer = evaluateParts(query, `"request":${JSON.stringify({ path })}`, [caller, certificate]);
    if (answer instanceof Promise) throw new Error('an engine in the process answers at once');
    return answer;
  };
};

let id = 0;
const partOf = (members: string): InputPart => {
  id += 1;
  return { id, members };
};
const callerOf = (sub: string): InputPart => partOf(`"token":${JSON.stringify({ sub })}`);
const certificateOf = (serial: string): InputPart => partOf(`"mtls":${JSON.stringify({ serial })}`);

test('whoever comes again is told as themselves, however many come in between', () => {
  const ask = load();
  // More of each than an instance keeps, so that they take the places of each other all the time.
  const callers = Array.from({ length: 400 }, (_, index) => callerOf(`user-${index}`));
  const certificates = Array.from({ length: 400 }, (_, index) => certificateOf(`serial-${index}`));
  let asked = 0;
  const pick = fc.tuple(fc.nat(callers.length - 1), fc.nat(certificates.length - 1));
  fc.assert(
    fc.property(fc.array(pick, { minLength: 50, maxLength: 300 }), (pairs) => {
      for (const [one, other] of pairs) {
        const [caller, certificate] = [callers[one], certificates[other]];
        assert.ok(caller && certificate);
        const path = `/${asked++}`;
        const value = [`user-${one}`, `serial-${other}`, path];
        assert.deepEqual(ask(path, caller, certificate), { outcome: 'value', value });
      }
    }),
    { numRuns: 60 },
  );
});

test('in turn, each takes the place that the next one is about to need', () => {
  const ask = load();
  const callers = Array.from({ length: 501 }, (_, index) => callerOf(`user-${index}`));
  const certificate = certificateOf('s');
  for (let round = 0; round < 4; round++)
    for (const [index, caller] of callers.entries())
      assert.deepEqual(ask('/', caller, certificate), { outcome: 'value', value: [`user-${index}`, 's', '/'] });
});

test('an input has no member of an earlier one', () => {
  const ask = load();
  const long = callerOf('x'.repeat(5_000));
  const certificate = certificateOf('s');
  const nobody = partOf('"identity":{}');
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(ask('/', long, certificate, 'data.who.only'), {
      outcome: 'value',
      value: ['mtls', 'request', 'token'],
    });
    assert.deepEqual(ask('/', nobody, certificate, 'data.who.only'), {
      outcome: 'value',
      value: ['identity', 'mtls', 'request'],
    });
  }
});

test('an engine that had to be given up keeps nothing, and the next one is told', () => {
  const ask = load();
  const [caller, certificate] = [callerOf('john'), certificateOf('01')];
  const greedy = partOf('"token":{"many":100000000}');
  for (let round = 0; round < 3; round++) {
    for (let time = 0; time < 3; time++)
      assert.deepEqual(ask('/a', caller, certificate), { outcome: 'value', value: ['john', '01', '/a'] });
    const { outcome } = ask('/a', greedy, certificate, 'data.who.memory');
    assert.ok(outcome === 'failed' || outcome === 'timeout', outcome);
  }
});
