/** Templates of pods, from the configuration itself or from files beside it. */
import type { Json, JsonObject, PodTemplate, PodTemplates } from '../../core/pod-template.ts';
import type { SettledConfig } from '../config.ts';
import type { Finding } from '../finding.ts';
import { createLocator } from '../locator.ts';
import type { Path } from '../path.ts';
import { type Problem, sortProblems } from '../problem.ts';
import { parseText } from '../read/parse.ts';
import { DocumentText } from '../reference.ts';
import { isMapping } from '../schema/forms.ts';
import type { InsecureFlag } from '../unsafe.ts';
import { dangersIn, dangersInAnnotations } from './dangers.ts';
import type { At } from './expand.ts';
import { formFindings, partOf } from './form.ts';
import { unknownFieldsIn } from './known-fields.ts';

export type ReadTemplates = Readonly<{
  templates: PodTemplates;
  /** Of templates that the configuration holds, by their places in it. */
  findings: readonly Finding[];
  /** Of templates in files. */
  problems: readonly Problem[];
}>;

type Written = Readonly<{
  name: string;
  path: Path;
  template: NonNullable<NonNullable<SettledConfig['pods']>['template']>;
}>;

const flag: InsecureFlag = 'insecure-pod-template';
const hint = `to do it all the same, start with --${flag}`;

/** The template called `default`, and those with names of their own. */
export const writtenTemplates = ({ pods }: Pick<SettledConfig, 'pods'>): readonly Written[] => [
  ...(pods?.template === undefined ? [] : [{ name: 'default', path: ['pods', 'template'], template: pods.template }]),
  ...Object.entries(pods?.templates ?? {}).map(([name, template]) => ({
    name,
    path: ['pods', 'templates', name],
    template,
  })),
];

const findingsIn = (document: unknown, insecure: ReadonlySet<string>): Finding[] => {
  const spec = partOf(document, 'spec');
  const annotations = partOf(document, 'metadata', 'annotations');
  const below = ({ path }: At, findings: readonly Finding[]): Finding[] =>
    findings.map((finding) => ({ hint, shows: 'value', ...finding, path: [...path, ...finding.path] }));
  const dangers = [
    ...below(annotations, dangersInAnnotations(annotations.value)),
    ...below(spec, [...dangersIn(spec.value), ...unknownFieldsIn(spec.value)]),
  ];
  return [...formFindings(document), ...(insecure.has(flag) ? [] : dangers)];
};

/** What is no JSON has been found before, and is never sent. */
const toJson = (value: unknown): Json => {
  if (Array.isArray(value)) return Object.freeze(value.map(toJson));
  if (isMapping(value)) return toObject(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
};

const toObject = (value: unknown): JsonObject =>
  Object.freeze(
    Object.fromEntries(Object.entries(isMapping(value) ? value : {}).map(([key, inner]) => [key, toJson(inner)])),
  );

const templateOf = (name: string, document: unknown): PodTemplate =>
  Object.freeze({
    name,
    labels: toObject(partOf(document, 'metadata', 'labels').value),
    annotations: toObject(partOf(document, 'metadata', 'annotations').value),
    spec: toObject(partOf(document, 'spec').value),
  });

type ReadOne = Readonly<{ document?: unknown; findings?: readonly Finding[]; problems?: readonly Problem[] }>;

const readFile = ({ file, text }: DocumentText, insecure: ReadonlySet<string>): ReadOne => {
  // It was not there, and nobody minds.
  if (text === undefined) return {};
  const { tree, placed } = parseText(text, undefined);
  const { problemOf } = createLocator({ file, root: tree.spot, value: tree.value, setBy: [] });
  if (placed.length > 0) return { problems: placed.map(({ finding, at }) => problemOf(finding, at)) };
  const findings = findingsIn(tree.value, insecure);
  return { document: tree.value, problems: sortProblems(findings.map((finding) => problemOf(finding))) };
};

const readInline = (document: unknown, path: Path, insecure: ReadonlySet<string>): ReadOne => ({
  document,
  findings: findingsIn(document, insecure).map((finding) => ({ ...finding, path: [...path, ...finding.path] })),
});

export const readTemplates = (config: SettledConfig, insecure: ReadonlySet<string>): ReadTemplates => {
  const read = writtenTemplates(config).map(({ name, path, template }) => ({
    name,
    ...(template instanceof DocumentText ? readFile(template, insecure) : readInline(template, path, insecure)),
  }));
  return {
    templates: Object.freeze(
      Object.fromEntries(
        read.flatMap(({ name, document }) => (document === undefined ? [] : [[name, templateOf(name, document)]])),
      ),
    ),
    findings: read.flatMap(({ findings = [] }) => findings),
    problems: read.flatMap(({ problems = [] }) => problems),
  };
};
