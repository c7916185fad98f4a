import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownPlaces } from './pod-template.ts';

// biome-ignore format: a table is read by its columns
const cases: readonly (readonly [text: string, unknown: readonly string[]])[] = [
  ['nothing',                                              []],
  ['a } b }} c { d',                                       []],
  ['{{ pod }}-{{ payment }}{{ amount }}',                  []],
  ['{{ unit }} until {{ expires }}',                       []],
  ["{{ '{{' }} .Name }}",                                  []],
  ['{{pod}} {{ Pod }}',                                    ['{{pod}}', '{{ Pod }}']],
  ['{{ request.path }} {{ pod }}',                         ['{{ request.path }}']],
  ['{{ header "X" }} {{ constructor }} {{ toString }}',    ['{{ header "X" }}', '{{ constructor }}', '{{ toString }}']],
  ['{{ pod',                                               ['{{ pod']],
  ['{{\npod }}',                                           ['{{\npod }}']],
];

for (const [text, unknown] of cases) {
  test(`${JSON.stringify(text)} has ${unknown.length} places that mean nothing`, () => {
    assert.deepEqual(unknownPlaces(text), unknown);
  });
}
