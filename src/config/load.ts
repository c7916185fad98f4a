import { hash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { check } from './check.ts';
import { complete } from './complete.ts';
import type { Config } from './config.ts';
import { credentialNotices } from './credential-notices.ts';
import type { Finding } from './finding.ts';
import { createLocator, type Locator } from './locator.ts';
import { formatPath, type Path } from './path.ts';
import { podNotices } from './pods/pod-notices.ts';
import { readTemplates } from './pods/read-templates.ts';
import { type PolicyFiles, readPolicyFiles } from './policy-files.ts';
import { ConfigError, type Problem, sortProblems } from './problem.ts';
import type { Environment } from './read/interpolate.ts';
import { overlayEnvironment } from './read/overlay.ts';
import { type ParsedText, parseText } from './read/parse.ts';
import { findFile, readSource } from './read/source.ts';
import { pack, type Recorded, type Recording, unpack } from './recording.ts';
import { readFileText, type Settling, settle } from './settle.ts';
import { checkShape, type Shape } from './shape.ts';

export type LoadOptions = Readonly<{
  /** The file to load. Without it AUTHZ_CONFIG_PATH is asked, then the default places. */
  path?: string | undefined;
  env: Environment;
  /** Where relative paths start; the working directory by default. */
  cwd?: string | undefined;
  /** Flags that allow an unsafe set-up, without the leading dashes. */
  insecure?: ReadonlySet<string> | undefined;
  /** Accept variables and secret files that are not there, to check a file where its secrets are not. */
  allowMissingVariables?: boolean | undefined;
  /** Read the files of the policies too. */
  withPolicies?: boolean | undefined;
  /** In place of the files. */
  recording?: Recording | undefined;
}>;

export type Place = Pick<Problem, 'file' | 'line' | 'column' | 'path'>;

export type LoadedConfig = Readonly<{
  config: Config;
  /** The file as it was named; undefined when the embedded defaults are used. */
  source: string | undefined;
  /** Which environment variables took effect, and what works otherwise than one might think; one line each. */
  notices: readonly string[];
  /** Where a value stands, for messages about a configuration that has loaded. */
  place: (path: Path) => Place;
  /** Of the text of the file, without variables and secrets, and of the policies. */
  digest: string;
  recording: Recording;
}>;

/** Reads the configuration from file and environment. Throws `ConfigError` with everything that is wrong, and nothing else. */
export const loadConfig = (options: LoadOptions): LoadedConfig => {
  const cwd = options.cwd ?? process.cwd();
  const recording = options.recording && unpack(options.recording);
  const source = recording ? recording.source : findFile({ path: options.path, env: options.env, cwd });
  const file = source ?? 'embedded defaults';
  const read = recording ?? (source === undefined ? { text: '' } : readSource(source, cwd));
  if ('problem' in read) throw new ConfigError([read.problem]);

  const parsed = parseText(read.text, options.env);
  const overlay = overlayEnvironment(parsed.tree.value, options.env);
  const locator = createLocator({ file, root: parsed.tree.spot, value: overlay.value, setBy: overlay.setBy });
  const syntax = syntaxProblems(parsed, locator, options.allowMissingVariables === true);
  if (parsed.broken) throw new ConfigError(sortProblems(syntax.problems));

  const shape = checkShape(overlay.value, locator.writtenPath);
  const folder = source === undefined ? cwd : dirname(resolve(cwd, source));
  const files: Record<string, string> = {};
  const insecure = options.insecure ?? new Set();
  const settled = settleShape(shape, insecure, {
    folder,
    allowMissing: options.allowMissingVariables === true,
    readText: (path) => (files[path] = recording?.files[path] ?? readFileText(path)),
    vault: recording?.vault,
  });
  const known = [...syntax.findings, ...shape.findings, ...settled.findings];
  const { config } = settled;
  const checked = config ? check(config, settled.inTemplates, insecure, shape.original, known) : [];
  const problems = [
    ...syntax.problems,
    ...[...shape.findings, ...settled.findings, ...checked].map((finding) => locator.problemOf(finding)),
  ];
  if (problems.length + settled.inFiles.length > 0 || !config)
    throw new ConfigError([...sortProblems(problems), ...settled.inFiles]);
  const policies = policiesFor(config, options.withPolicies, recording);
  return {
    config: Object.freeze({ ...config, ...(policies && { policy_files: policies }) }),
    source,
    notices: [...overlay.notices, ...credentialNotices(config), ...podNotices(config)],
    place: placing(locator),
    digest: digestOf(read.text, policies),
    recording: pack({ source, text: read.text, files, policies, vault: recording?.vault }),
  };
};

/** Undefined where none are in files, or nobody wants them. */
const policiesFor = (
  { policy }: Config,
  wanted: boolean | undefined,
  recording: Recorded | undefined,
): PolicyFiles | undefined => {
  if (recording) return recording.policies && Object.freeze(recording.policies);
  if (!wanted || policy?.engine !== 'opa_embedded' || policy.path === undefined) return undefined;
  const read = readPolicyFiles(policy.path);
  if ('files' in read) return Object.freeze(read.files);
  throw new ConfigError(read.problems.map((problem) => ({ ...problem, line: 0, column: 0, path: '' })));
};

const digestOf = (text: string, policies: PolicyFiles | undefined): string =>
  hash('sha256', policies ? JSON.stringify([text, policies]) : text).slice(0, 16);

const syntaxProblems = (
  { placed }: ParsedText,
  { problemOf }: Locator,
  allowMissing: boolean,
): { findings: Finding[]; problems: Problem[] } => {
  const counted = placed.filter(({ finding }) => !(allowMissing && finding.missingVariable));
  return {
    findings: counted.map(({ finding }) => finding),
    problems: counted.map(({ finding, at }) => problemOf(finding, at)),
  };
};

type SettledShape = Readonly<{
  config?: Config;
  findings: readonly Finding[];
  inTemplates: readonly Finding[];
  /** In templates that are files of their own. */
  inFiles: readonly Problem[];
}>;

const settleShape = (
  { parsed, original }: Shape,
  insecure: ReadonlySet<string>,
  settling: Omit<Settling, 'report'>,
): SettledShape => {
  const findings: Finding[] = [];
  if (!parsed) return { findings, inTemplates: [], inFiles: [] };
  const report = (finding: Finding) => findings.push({ ...finding, path: original(finding.path) });
  const config = settle(complete(parsed), { ...settling, report });
  const read = readTemplates(config, insecure);
  return {
    config: { ...config, pod_templates: read.templates },
    findings,
    inTemplates: read.findings,
    inFiles: read.problems,
  };
};

const placing =
  ({ problemOf }: Locator) =>
  (path: Path): Place => {
    const { file, line, column, path: written } = problemOf({ path, message: '' });
    return { file, line, column, path: written || formatPath(path) };
  };
