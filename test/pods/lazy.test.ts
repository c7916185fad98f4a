/** What pods need is loaded where payments start pods, and nowhere else. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startSallyport } from '../sallyport.ts';
import { createWorkdir } from '../servers/workdir.ts';

const NODE_OPTIONS = `--import=${join(import.meta.dirname, 'print-loaded.ts')}`;

const rules = `
cashu: { mints: ["http://127.0.0.1:9"] }
rules: [{ name: premium, match: { path: "/premium/**" }, accept: [cashu], price: { amount: 8, buys: { time: 1h } } }]
`;

const container =
  '{ name: main, image: workload, resources: { requests: { cpu: 1m, memory: 1Mi }, limits: { cpu: 1m, memory: 1Mi } } }';

/** Of a cluster that is not there. */
const kubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'a', cluster: { server: 'http://127.0.0.1:9' } }],
  users: [{ name: 'a', user: { token: 'a' } }],
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  'current-context': 'a',
});

const loadedBy = async (t: TestContext, pods: string): Promise<string> => {
  const { path } = createWorkdir('lazy', t);
  writeFileSync(join(path, 'kubeconfig'), kubeconfig);
  const LOADED_MODULES = join(path, 'loaded');
  const env = { NODE_OPTIONS, LOADED_MODULES };
  await startSallyport({ owner: t, config: `${rules}${pods}`, env, directory: path });
  return readFileSync(LOADED_MODULES, 'utf8');
};

const ofPods = /^loaded .*(\/stores\/kubernetes\/|@kubernetes\/client-node|\/src\/pods\/life|\/assemble\/pods\.ts)/m;

test('without pods neither their parts nor the Kubernetes client are loaded', async (t) => {
  const output = await loadedBy(t, '');
  assert.match(output, /^loaded .*\/assemble\/payments\.ts$/m);
  assert.doesNotMatch(output, ofPods);
});

test('neither are they where pods are turned off', async (t) => {
  const pods = `pods: { enabled: false, template: { spec: { containers: [${container}] } } }\n`;
  assert.doesNotMatch(await loadedBy(t, pods), ofPods);
});

test('with pods they are, and a cluster that is not there keeps nobody from starting', async (t) => {
  const pods = `pods: { kubeconfig: kubeconfig, template: { spec: { containers: [${container}] } } }\n`;
  assert.match(await loadedBy(t, pods), ofPods);
});
