/** Which rules start pods, of which templates, for how long. */
import type { Config, RuleConfig } from '../config.ts';
import type { Finding } from '../finding.ts';
import { nearest } from '../nearest.ts';
import type { Path } from '../path.ts';
import { expand } from './expand.ts';
import { writtenTemplates } from './read-templates.ts';

type Pods = NonNullable<Config['pods']>;

const labelForm = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/;

const checkNames = ({ pods }: Config): Finding[] =>
  Object.keys(pods?.templates ?? {}).flatMap((name): Finding[] => {
    const at = { path: ['pods', 'templates', name], atKey: true };
    if (name === 'none') return [{ ...at, message: 'the word for no pod at all', expected: 'another name' }];
    if (name === 'default' && pods?.template !== undefined)
      return [{ ...at, message: 'the same template as', refersTo: ['pods', 'template'] }];
    if (labelForm.test(name)) return [];
    return [
      { ...at, message: 'no label of Kubernetes', expected: 'at most 63 characters, a letter or digit at the end' },
    ];
  });

const namespaceForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const checkNamespace = ({ namespace }: Pods): Finding[] => {
  const path = ['pods', 'namespace'];
  if (!namespaceForm.test(namespace))
    return [
      {
        path,
        message: 'not the name of a namespace',
        shows: 'value',
        expected: 'at most 63 lower-case letters, digits and "-"',
      },
    ];
  return namespace.startsWith('kube-')
    ? [{ path, message: 'belongs to the cluster itself', shows: 'value', expected: 'a namespace for these pods alone' }]
    : [];
};

const checkTimes = ({ ttl, max_lifetime, wait_timeout, give_back_after }: Pods): Finding[] => [
  ...(ttl > max_lifetime
    ? [{ path: ['pods', 'max_lifetime'], message: 'shorter than', refersTo: ['pods', 'ttl'], reads: [['pods', 'ttl']] }]
    : []),
  ...(wait_timeout > give_back_after
    ? [
        {
          path: ['pods', 'give_back_after'],
          message: 'shorter than',
          refersTo: ['pods', 'wait_timeout'],
          reads: [['pods', 'wait_timeout']],
        },
      ]
    : []),
];

/** What could not be read is not there, and has been reported. */
const checkService = ({ pods, pod_templates }: Config): Finding[] => {
  if (!pods?.service) {
    const index = pods?.tell.indexOf('service') ?? -1;
    const path = ['pods', 'tell', index];
    return index < 0
      ? []
      : [{ path, message: 'tells of a Service, and there is none', expected: 'pods.service: true' }];
  }
  return writtenTemplates({ pods }).flatMap(({ name, path }): Finding[] => {
    const template = pod_templates[name];
    if (!template || expand(template, 'spec.containers[].ports[]').length > 0) return [];
    return [{ path, message: 'no container has a port for the Service', expected: 'ports: [{ containerPort: … }]' }];
  });
};

const checkTemplate = (name: string, at: Path, { pods }: Config): Finding[] => {
  const known = writtenTemplates({ pods }).map((template) => template.name);
  if (known.includes(name)) return [];
  if (!pods) {
    return [
      {
        path: [...at, 'provision'],
        message: 'starts pods, but there are none',
        hint: 'say under pods what is started',
      },
    ];
  }
  // Reported once, where it is missing.
  if (name === 'default') return [];
  const meant = nearest(name, known);
  return [
    {
      path: [...at, 'provision'],
      message: 'no pod template of this name',
      shows: 'value',
      expected: `one of ${[...known, 'none'].join(', ')}`,
      ...(meant !== undefined && { hint: `did you mean "${meant}"?` }),
      reads: [['pods']],
    },
  ];
};

const checkDefault = ({ pods, rules }: Config): Finding[] => {
  if (!pods?.enabled || !rules.some(({ provision }) => provision === 'default')) return [];
  if (writtenTemplates({ pods }).some(({ name }) => name === 'default')) return [];
  return [
    {
      path: ['pods', 'template'],
      message: 'missing',
      expected: 'a PodTemplate, or file:PATH',
      hint: 'payments start pods of it; a rule that says provision: none starts none',
      reads: [['pods']],
    },
  ];
};

const checkSale = ({ accept, price }: RuleConfig, at: Path, { pods }: Config): Finding[] => {
  const path = [...at, 'provision'];
  if (!accept.includes('cashu'))
    return [{ path, message: 'starts pods, but nobody can pay for one', hint: 'add cashu to accept', reads: [at] }];
  return (price ?? []).flatMap(({ buys }, index): Finding[] => {
    const inPrice = [...at, 'price', index, 'buys'];
    if (buys.requests !== undefined || buys.units !== undefined)
      return [{ path: inPrice, message: 'sells no time, which is what a pod lives on', expected: 'time', reads: [at] }];
    if (buys.time === undefined || !pods || buys.time <= pods.max_lifetime || buys.time === pods.ttl) return [];
    return [
      {
        path: [...inPrice, 'time'],
        message: 'longer than any pod lives by',
        refersTo: ['pods', 'max_lifetime'],
        shows: 'value',
        reads: [['pods']],
      },
    ];
  });
};

export const checkPods = (config: Config): Finding[] => {
  const { pods, rules } = config;
  return [
    ...checkNames(config),
    ...(pods ? [...checkNamespace(pods), ...checkTimes(pods)] : []),
    ...checkService(config),
    ...checkDefault(config),
    ...rules.flatMap((rule, index) => {
      if (rule.provision === undefined) return [];
      const at = ['rules', index];
      return [...checkTemplate(rule.provision, at, config), ...checkSale(rule, at, config)];
    }),
  ];
};
