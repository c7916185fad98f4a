import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowed, decisionOn, requestOf } from '../../test/usage/decision-events.ts';
import { deny } from '../core/decision.ts';
import { anonymous } from '../core/identity.ts';
import { refuse } from '../core/refusal.ts';
import { createDecisionUsage } from './decisions.ts';

const open = () => {
  const recorded: string[] = [];
  const decided = createDecisionUsage({
    prefix: 'p',
    isBillable: () => true,
    except: new Set(['page']),
    batchSize: 100,
    now: () => 1_000,
    recorder: { recordShort: (lines) => recorded.push(lines), isOpen: () => false },
  });
  return { recorded, decided };
};

test('what was refused, could not be read, or let no request through is nobody’s usage', () => {
  const { recorded, decided } = open();
  const request = requestOf('GET', 'a', '/');
  decided(decisionOn(deny(refuse('no_rule', 'none')), request));
  decided(decisionOn(allowed(anonymous), undefined));
  decided(decisionOn(allowed(anonymous), request, 'api', 'page'));
  assert.deepEqual(recorded, []);
  decided(decisionOn(allowed(anonymous), request));
  assert.equal(recorded.length, 1);
  assert.doesNotMatch(recorded.join(''), /secret/);
});
