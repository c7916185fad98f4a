import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HeaderTemplate, parseHeaderTemplate } from './header-template.ts';

const parse = (text: string): HeaderTemplate => {
  const template = parseHeaderTemplate(text);
  return typeof template === 'string' ? assert.fail(template) : template;
};

const fill = (text: string, values: Readonly<Record<string, string>>) =>
  parse(text).fill((key) => (Object.hasOwn(values, key) ? values[key] : undefined));

for (const [text, values, expected] of [
  ['{{api_key}}', { api_key: 'k1' }, 'k1'],
  ['Bearer {{ api_key }}', { api_key: 'k1' }, 'Bearer k1'],
  ['Token token={{a}}, other={{b}}', { a: '1', b: '2' }, 'Token token=1, other=2'],
  ['Basic {{basic email api_token}}', { email: 'a@b.example', api_token: 't:x' }, `Basic ${btoa('a@b.example:t:x')}`],
  ['{{a}}', { a: 'with space inside' }, 'with space inside'],
  ['{{a}}', {}, { unfilled: 'missing', key: 'a' }],
  ['{{a}}', { a: '' }, { unfilled: 'missing', key: 'a' }],
  ['{{a}}', { a: 'x\r\nX-Other: y' }, { unfilled: 'unsafe', key: 'a' }],
  ['{{a}}', { a: 'x\n' }, { unfilled: 'unsafe', key: 'a' }],
  ['{{a}}', { a: ' x' }, { unfilled: 'unsafe', key: 'a' }],
  ['{{a}}', { a: 'käse' }, { unfilled: 'unsafe', key: 'a' }],
  ['{{a}}', { a: 'x'.repeat(8_193) }, { unfilled: 'unsafe', key: 'a' }],
  ['{{a}}', { a: '{{b}}', b: 'not looked at' }, '{{b}}'],
  ['{{basic a b}}', { a: 'user:x', b: 'y' }, { unfilled: 'unsafe', key: 'a' }],
  ['{{basic a b}}', { a: 'user' }, { unfilled: 'missing', key: 'b' }],
  ['{{basic}}', { basic: 'a key of that name' }, 'a key of that name'],
] as const) {
  test(`${text} of ${JSON.stringify(values).slice(0, 60)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(fill(text, values), expected);
  });
}

for (const text of [
  '',
  'Bearer fixed',
  '{{',
  '{{a',
  'a}}',
  '{{}}',
  '{{a b}}',
  '{{basic a}}',
  '{{{a}}}',
  '{{A}}',
  '{{a}} ',
  'x\n{{a}}',
]) {
  test(`${JSON.stringify(text)} is no template, and it is said why`, () => {
    assert.equal(typeof parseHeaderTemplate(text), 'string');
  });
}

test('whatever the values are, what is filled in is one line of visible ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      for (const text of ['{{a}}', 'Bearer {{a}}', 'x={{a}} y={{b}}', '{{basic a b}}']) {
        const filled = fill(text, { a, b });
        if (typeof filled === 'string') assert.match(filled, /^[ -~]+$/);
      }
    }),
  );
});
