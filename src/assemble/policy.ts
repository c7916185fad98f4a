/** The policy engine of one generation: chosen by what the configuration names, loaded only where one is configured. */
import type { LoadedPolicy, PolicyEngine, PolicyOptions, PolicyProblem } from '../checks/policy-engine.ts';
import type { Config } from '../config/config.ts';
import { compiledPolicy, type PolicyFiles, readPolicyFiles } from '../config/policy-files.ts';
import { policyQueries } from '../config/policy-queries.ts';
import { type Reason, ReloadRefused } from '../reload/refused.ts';
import { ForbiddenAddress } from '../stores/outbound/address-guard.ts';
import { guardTarget } from '../stores/outbound/target-guard.ts';

type PolicyConfig = NonNullable<Config['policy']>;

const refused = (file: string, message: string): LoadedPolicy => ({
  problems: [{ file, line: 0, column: 0, message }],
});

const loadServer = async (address: string, options: PolicyOptions): Promise<LoadedPolicy> => {
  const { createOpaServer } = await import('../stores/policy/opa-server/opa-server.ts');
  const url = new URL(address);
  try {
    return { engine: createOpaServer({ ...options, url, lookup: guardTarget(url, true) }) };
  } catch (error) {
    if (error instanceof ForbiddenAddress) return refused(address, error.message);
    throw error;
  }
};

const loadCompiled = async (file: string, policy: PolicyConfig, options: PolicyOptions): Promise<LoadedPolicy> => {
  const { loadOpaWasm } = await import('../stores/policy/opa-wasm/opa-wasm.ts');
  const { verification_key: publicKey, verification_algorithm: algorithm } = policy;
  return loadOpaWasm({
    ...options,
    file,
    verification: publicKey === undefined ? undefined : { publicKey, algorithm },
  });
};

/** As they were when the configuration was read; read now where that was left out. */
const loadFiles = async (
  path: string,
  files: PolicyFiles | undefined,
  options: PolicyOptions,
): Promise<LoadedPolicy> => {
  const read = files ? { files } : readPolicyFiles(path);
  if ('problems' in read) return { problems: read.problems.map((problem) => ({ ...problem, line: 0, column: 0 })) };
  const { loadRegorus } = await import('../stores/policy/regorus/regorus.ts');
  return loadRegorus({ ...options, path, files: read.files });
};

const load = async (
  policy: PolicyConfig,
  files: PolicyFiles | undefined,
  options: PolicyOptions,
): Promise<LoadedPolicy> => {
  const { engine, path, url } = policy;
  if (engine === 'opa_sidecar') {
    if (url === undefined) throw new Error('unreachable: checked with the configuration');
    return loadServer(url, options);
  }
  if (path === undefined) throw new Error('unreachable: checked with the configuration');
  if (compiledPolicy.test(path)) return loadCompiled(path, policy, options);
  return loadFiles(path, files, options);
};

/** `policies/order.rego:12:5: unsafe variable "x"; bind it in this rule` */
const tell = ({ file, line, column, message, hint }: PolicyProblem): string => {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return `${place}: ${hint === undefined ? message : `${message}; ${hint}`}`;
};

/** What no policy answers is shown where the configuration asks for it. */
const reasonsFor = (config: Config, problem: PolicyProblem): Reason[] => {
  const message = tell(problem);
  const asking = policyQueries(config).filter(({ query }) => query === problem.query);
  return asking.length === 0 ? [{ message }] : asking.map(({ path }) => ({ path, message }));
};

const loadPolicy = (
  config: Config,
  policy: PolicyConfig,
  queries: readonly string[],
  now: () => number,
): Promise<LoadedPolicy> => {
  const files = policy === config.policy ? config.policy_files : undefined;
  return load(policy, files, { queries, timeoutMs: policy.timeout, now });
};

/** Rejects with `ReloadRefused` and everything that is wrong. */
export const openPolicy = async (
  config: Config,
  policy: PolicyConfig,
  queries: readonly string[],
  now: () => number,
): Promise<PolicyEngine> => {
  const loaded = await loadPolicy(config, policy, queries, now);
  if ('engine' in loaded) return loaded.engine;
  throw new ReloadRefused(loaded.problems.flatMap((problem) => reasonsFor(config, problem)));
};

const queriesOf = (config: Config): string[] => [...new Set(policyQueries(config).map(({ query }) => query))];

/** Rejects likewise. Undefined where no policy is configured. */
export const assemblePolicy = async (config: Config, now: () => number): Promise<PolicyEngine | undefined> =>
  config.policy && openPolicy(config, config.policy, queriesOf(config), now);

/** What is wrong with policies that are in files, and which question shows it. A server is not asked. */
export const policyProblems = async (config: Config, now: () => number): Promise<readonly PolicyProblem[]> => {
  if (config.policy?.engine !== 'opa_embedded') return [];
  const loaded = await loadPolicy(config, config.policy, queriesOf(config), now);
  if ('problems' in loaded) return loaded.problems;
  await loaded.engine.close();
  return [];
};
