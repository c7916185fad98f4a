import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsOf } from '../harness.test.ts';
import { formatProblem } from '../problem.ts';

const template = (more = '') =>
  `{ spec: { containers: [{ name: a, image: b, resources: { requests: { cpu: 1, memory: 1Mi }, limits: { cpu: 1, memory: 1Mi } }${more} }] } }`;
const pods = (keys = '') => `pods: { template: ${template()}, templates: { gpu: ${template()} }${keys} }`;
const mint = 'cashu: { mints: [{ url: "https://mint.example", units: [sat, usd] }] }';
const rule = (name: string, keys: string) => `  - { name: ${name}, match: { path: /${name} }, ${keys} }`;
const file = (blocks: readonly string[], ...rules: string[]) =>
  [mint, ...blocks, ...(rules.length > 0 ? ['rules:', ...rules] : [])].join('\n');

const paid = 'accept: [cashu, api_key]';
const HOUR_MS = 3_600_000;

type Started = readonly [name: string, provision: string | undefined, buys: unknown];

const startedBy = (yaml: string, env: Readonly<Record<string, string>> = {}): Started[] =>
  load(yaml, { env }).config.rules.map(({ name, provision, price }) => [name, provision, price?.[0]?.buys]);

test('where pods is on and no rule names a template, paying starts one, unless requests or units are sold', () => {
  assert.deepEqual(
    startedBy(
      file(
        [pods(', ttl: 2h')],
        rule('plain', `${paid}, price: 5`),
        rule('time', `${paid}, price: { amount: 5, buys: { time: 1h } }`),
        rule('requests', `${paid}, price: { amount: 5, buys: { requests: 1 } }`),
        rule('units', `${paid}, price: { amount: 5, buys: { units: 1 } }`),
        rule('either', `${paid}, price: [5, { amount: 1, unit: usd, buys: { requests: 9 } }]`),
        rule('out', `${paid}, price: 5, provision: none`),
        rule('keys', 'accept: api_key'),
      ),
    ),
    [
      ['plain', 'default', { time: 2 * HOUR_MS }],
      ['time', 'default', { time: HOUR_MS }],
      ['requests', undefined, { requests: 1 }],
      ['units', undefined, { units: 1 }],
      ['either', undefined, { requests: 1 }],
      ['out', undefined, { requests: 1 }],
      ['keys', undefined, undefined],
    ],
  );
});

test('once a rule names a template, only those that do start pods', () => {
  assert.deepEqual(
    startedBy(file([pods()], rule('plain', `${paid}, price: 5`), rule('gpu', `${paid}, price: 5, provision: gpu`))),
    [
      ['plain', undefined, { requests: 1 }],
      ['gpu', 'gpu', { time: HOUR_MS }],
    ],
  );
});

test('the environment of the seed is enough: ENABLE_POD_PROVISIONING, POD_NAMESPACE, DEFAULT_PAYMENT_AMOUNT', () => {
  const yaml = file([pods(', enabled: false')], rule('plain', paid));
  const env = { ENABLE_POD_PROVISIONING: 'true', POD_NAMESPACE: 'user-workloads', DEFAULT_PAYMENT_AMOUNT: '1000' };
  assert.deepEqual(startedBy(yaml, env), [['plain', 'default', { time: HOUR_MS }]]);
  assert.deepEqual(startedBy(yaml, { ...env, ENABLE_POD_PROVISIONING: 'false' }), [
    ['plain', undefined, { requests: 1 }],
  ]);
});

test('switched off, a rule keeps what it sells, and is named', () => {
  const yaml = file([pods(', enabled: false')], rule('gpu', `${paid}, price: 5, provision: gpu`));
  assert.deepEqual(startedBy(yaml), [['gpu', 'gpu', { time: HOUR_MS }]]);
  assert.deepEqual(load(yaml).notices, ['the rule gpu starts no pods: pods.enabled is false']);
});

const gpu = (keys: string) => rule('gpu', `${paid}, ${keys}`);

const wrong: readonly (readonly [what: string, yaml: string, lines: readonly string[]])[] = [
  [
    'requests and units, sold with a pod',
    file(
      [pods()],
      gpu(
        'price: [{ amount: 1, buys: { requests: 1 } }, { amount: 1, unit: usd, buys: { units: 5 } }], provision: gpu',
      ),
    ),
    [0, 1].map((index) => `rules[0].price[${index}].buys: sells no time, which is what a pod lives on; expected time`),
  ],
  [
    'a pod that nobody can pay for',
    file([pods()], rule('gpu', 'accept: api_key, provision: gpu')),
    ['rules[0].provision: starts pods, but nobody can pay for one; add cashu to accept'],
  ],
  [
    'a pod without a price',
    file([pods()], gpu('provision: gpu')),
    ['rules[0].accept: accepts cashu, but has no price; set price, or cashu.default_amount for all rules'],
  ],
  [
    'a pod, and no pods',
    file([], gpu('price: 5, provision: gpu')),
    ['rules[0].provision: starts pods, but there are none; say under pods what is started'],
  ],
  [
    'no template by default',
    file(['pods: {}'], rule('a', `${paid}, price: 5`), rule('b', `${paid}, price: 5`)),
    [
      'pods.template: missing; expected a PodTemplate, or file:PATH; payments start pods of it; a rule that says provision: none starts none',
    ],
  ],
  [
    'a longer time than any pod lives',
    file([pods(', max_lifetime: 2h')], gpu('price: { amount: 5, buys: { time: 3h } }, provision: gpu')),
    ['rules[0].price.buys.time: longer than any pod lives by pods.max_lifetime; found "3h"'],
  ],
  [
    'a ttl that is longer',
    file([pods(', ttl: 2d')], gpu('price: 5, provision: gpu')),
    ['pods.max_lifetime: shorter than pods.ttl'],
  ],
  [
    'less patience than payers have',
    file([pods(', give_back_after: 5s')]),
    ['pods.give_back_after: shorter than pods.wait_timeout'],
  ],
  ...['user_workloads', `a${'b'.repeat(63)}`].map((namespace): [string, string, string[]] => [
    `no namespace: ${namespace}`,
    file([pods(`, namespace: ${namespace}`)]),
    [
      `pods.namespace: not the name of a namespace; found "${namespace.slice(0, 60)}${namespace.length > 60 ? '…' : ''}", expected at most 63 lower-case letters, digits and "-"`,
    ],
  ]),
  [
    'the namespace of the cluster',
    file([pods(', namespace: kube-system')]),
    ['pods.namespace: belongs to the cluster itself; found "kube-system", expected a namespace for these pods alone'],
  ],
  [
    'names that are none',
    file([
      `pods: { template: ${template()}, templates: { none: ${template()}, default: ${template()}, gpu-: ${template()} } }`,
    ]),
    [
      'pods.templates.none: the word for no pod at all; expected another name',
      'pods.templates.default: the same template as pods.template',
      'pods.templates.gpu-: no label of Kubernetes; expected at most 63 characters, a letter or digit at the end',
    ],
  ],
  [
    'a Service for no port',
    `pods: { service: true, template: ${template(', ports: [{ containerPort: 80 }]')}, templates: { gpu: ${template()} } }`,
    ['pods.templates.gpu: no container has a port for the Service; expected ports: [{ containerPort: … }]'],
  ],
  [
    'telling of a Service that is not there',
    file([pods(', tell: [ip, service]')]),
    ['pods.tell[1]: tells of a Service, and there is none; expected pods.service: true'],
  ],
];

for (const [what, yaml, lines] of wrong) {
  test(`refused: ${what}`, () => {
    assert.deepEqual(
      problemsOf(yaml).map((problem) => formatProblem(problem).replace(/^sallyport\.yaml:\d+:\d+ /, '')),
      lines,
    );
  });
}

test('a template called default may stand among the others', () => {
  const yaml = file([`pods: { templates: { default: ${template()} } }`], rule('a', `${paid}, price: 5`));
  assert.deepEqual(startedBy(yaml), [['a', 'default', { time: HOUR_MS }]]);
});
