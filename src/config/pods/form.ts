/** What a template must be, allowed or not: a PodTemplateSpec, or that of a PodTemplate, or a Pod as for kubectl. */
import { instanceLabel, podAnnotations, podLabels } from '../../core/pod-marks.ts';
import { podPlaces, unknownPlaces } from '../../core/pod-template.ts';
import type { Finding } from '../finding.ts';
import type { Path } from '../path.ts';
import { isMapping } from '../schema/forms.ts';
import { type At, expand } from './expand.ts';

const keysOf = (value: unknown): string[] => (isMapping(value) ? Object.keys(value) : []);

/** Where `metadata` and `spec` stand. */
export const baseOf = (document: unknown): Path => (Object(document).kind === 'PodTemplate' ? ['template'] : []);

const one = (document: unknown, path: Path): At => {
  const [found] = path.length === 0 ? [{ path, value: document }] : expand(document, path.join('.'));
  return found ?? { path, value: undefined };
};

/** A part of the template, such as `spec`. */
export const partOf = (document: unknown, ...keys: readonly string[]): At =>
  one(document, [...baseOf(document), ...keys]);

const checkKind = (document: unknown): Finding[] => {
  const { apiVersion, kind } = Object(document);
  const known = ['apiVersion', 'kind', 'metadata', kind === 'PodTemplate' ? 'template' : 'spec'];
  const isKnown = kind === undefined || kind === 'Pod' || kind === 'PodTemplate';
  return [
    ...(apiVersion === undefined || apiVersion === 'v1'
      ? []
      : [{ path: ['apiVersion'], message: 'not the version of pods', shows: 'value' as const, expected: 'v1' }]),
    ...(isKnown
      ? []
      : [
          {
            path: ['kind'],
            message: 'not a template of pods',
            shows: 'value' as const,
            expected: 'Pod or PodTemplate',
          },
        ]),
    ...keysOf(document)
      .filter((key) => isKnown && !known.includes(key))
      .map(
        (key): Finding => ({
          path: [key],
          atKey: true,
          message: 'unknown key',
          expected: `one of ${known.join(', ')}`,
        }),
      ),
  ];
};

const checkMetadata = (document: unknown): Finding[] => {
  const { path, value } = partOf(document, 'metadata');
  return keysOf(value)
    .filter((key) => key !== 'labels' && key !== 'annotations')
    .map((key) => ({
      path: [...path, key],
      atKey: true,
      message: 'is not for a template to say: each pod gets its own',
      expected: 'labels and annotations alone',
    }));
};

const checkMarks = (document: unknown, what: 'labels' | 'annotations', ours: readonly string[]): Finding[] => {
  const { path, value } = partOf(document, 'metadata', what);
  if (value === undefined || value === null) return [];
  if (!isMapping(value)) return [{ path, message: 'not a mapping', shows: 'kind' }];
  return Object.entries(value).flatMap(([key, text]): Finding[] => {
    const at = [...path, key];
    if (ours.includes(key))
      return [{ path: at, atKey: true, message: 'set by Sallyport on every pod', hint: 'leave it out' }];
    return typeof text === 'string' ? [] : [{ path: at, message: 'not text', shows: 'kind', hint: 'put it in quotes' }];
  });
};

const checkContainer = ({ path, value }: At): Finding[] => {
  if (!isMapping(value)) return [{ path, message: 'not a container', shows: 'kind', expected: 'a mapping' }];
  return ['name', 'image'].flatMap((key): Finding[] =>
    typeof value[key] === 'string' && value[key] !== ''
      ? []
      : [
          {
            path: [...path, key],
            message: value[key] === undefined ? 'missing' : 'not a text of its own',
            expected: 'text',
          },
        ],
  );
};

const checkSpec = (document: unknown): Finding[] => {
  const { path, value } = partOf(document, 'spec');
  if (!isMapping(value)) return [{ path, message: 'missing', expected: 'the spec of a pod, with containers' }];
  const within = (at: At): At => ({ ...at, path: [...path, ...at.path] });
  const containers = value['containers'];
  const hasContainers = Array.isArray(containers) && containers.length > 0;
  return [
    ...(hasContainers
      ? []
      : [{ path: [...path, 'containers'], message: 'missing', expected: 'a list of one container or more' }]),
    ...['initContainers[]', 'containers[]'].flatMap((list) => expand(value, list).map(within).flatMap(checkContainer)),
    ...(value['activeDeadlineSeconds'] === undefined
      ? []
      : [
          {
            path: [...path, 'activeDeadlineSeconds'],
            atKey: true,
            message: 'set by Sallyport on every pod',
            hint: 'pods.max_lifetime says how long',
          },
        ]),
  ];
};

/** JSON has no infinite numbers and no places that mean nothing. */
const checkValues = ({ path, value }: At): Finding[] => {
  if (typeof value === 'number' && !Number.isFinite(value)) return [{ path, message: 'not a number that JSON has' }];
  if (typeof value === 'string') {
    return unknownPlaces(value).map((found) => ({
      path,
      message: 'nothing can be put here',
      found: JSON.stringify(found.slice(0, 60)),
      expected: `one of ${podPlaces.join(' ')}`,
    }));
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => checkValues({ path: [...path, index], value: item }));
  return isMapping(value)
    ? Object.entries(value).flatMap(([key, inner]) => checkValues({ path: [...path, key], value: inner }))
    : [];
};

/** By places in the document. Where there are any, it makes no pod. */
export const formFindings = (document: unknown): Finding[] => [
  ...checkKind(document),
  ...checkMetadata(document),
  ...checkMarks(document, 'labels', [...Object.keys(podLabels), instanceLabel]),
  ...checkMarks(document, 'annotations', Object.values(podAnnotations)),
  ...checkSpec(document),
  ...checkValues({ path: [], value: document }),
];
