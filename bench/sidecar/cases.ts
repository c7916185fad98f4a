/** The sidecar in the path, beside a bare undici proxy with the same TLS; what policies cost; handshakes beside node:tls. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPolicyFiles } from '../../src/config/policy-files.ts';
import { loadOpaWasm } from '../../src/stores/policy/opa-wasm/opa-wasm.ts';
import { loadRegorus } from '../../src/stores/policy/regorus/regorus.ts';
import { find } from '../../test/servers/programs.ts';
import { type Comparison, compare, compareBy } from '../compare.ts';
import { byCpu } from '../egress/cpu.ts';
import { fillKeys, proxyHeaders } from '../fixtures.ts';
import { type BenchServer, makeDirectory, startBare, startBareTls, startGate } from '../servers.ts';
import { type Certificates, type Closing, makeCertificates, tlsOf } from './certificates.ts';
import { handshakes } from './handshakes.ts';
import { compilePolicy, evaluationUs, query, writePolicy } from './policies.ts';
import { compareProxies } from './proxies.ts';

export type SidecarBench = Readonly<{ seconds: number; report(comparison: Comparison): void }>;

const rotate = join(import.meta.dirname, '..', 'rotate.lua');

/** More paths than answers are remembered. */
const PATHS = 20_000;

const policyOf = (condition: string): string =>
  `package api\nimport rego.v1\ndefault allow := false\nallow if {\n\t${condition}\n\tinput.identity.method == "api_key"\n}\n`;

const comparePolicyCheck = async (closing: Closing, { seconds, report }: SidecarBench) => {
  const bare = await startBare('answer');
  closing.defer(bare.stop);
  const gateWith = async (policy: string) => {
    const directory = makeDirectory();
    closing.defer(directory.remove);
    const [key = ''] = fillKeys(join(directory.path, 'bench.db'), 100);
    const file = writePolicy(directory.path, policy);
    const server = await startGate({
      directory: directory.path,
      config: `policy: { engine: opa_embedded, path: "${file}" }
rules: [{ name: api, match: { host: shop.example.com, path: "/api/**" }, accept: [api_key], policy: data.api.allow }]
`,
    });
    closing.defer(server.stop);
    return { server, directory: directory.path, headers: { ...proxyHeaders, Authorization: `Bearer ${key}` } };
  };
  const at = ({ url }: BenchServer) => `${url}/auth/nginx`;

  const hot = await gateWith(policyOf('input.request.method == "GET"'));
  const asked = (server: BenchServer) => ({ url: at(server), headers: hot.headers });
  report(await compare('API key and a policy', 0.6, asked(bare), asked(hot.server), seconds));

  const cold = await gateWith(policyOf('startswith(input.request.path, "/api/v1/orders/")'));
  const file = join(cold.directory, 'urls');
  writeFileSync(
    file,
    Array.from({ length: PATHS }, (_, n) => `https://shop.example.com/api/v1/orders/${n}`).join('\n'),
  );
  const script = { path: rotate, args: [file, 'X-Original-URL', ''] };
  const inTurn = (server: BenchServer) => ({ url: at(server), headers: cold.headers, script });
  const name = 'API key and a policy, each path anew';
  report(await compare(name, Number.NaN, inTurn(bare), inTurn(cold.server), seconds));
};

const compareHandshakes = async (closing: Closing, certificates: Certificates, { seconds, report }: SidecarBench) => {
  const { ca, server, client } = certificates;
  const bare = await startBareTls([server.cert, server.key, ca]);
  closing.defer(bare.stop);
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const gate = await startGate({
    directory: directory.path,
    http: tlsOf(certificates),
    config: 'endpoints: { addr: "127.0.0.1:0" }\nrules: []\n',
  });
  closing.defer(gate.stop);
  const asking = ({ port, pid }: BenchServer) => byCpu(pid, handshakes(port, client));
  const title = 'handshakes with a certificate, against node:tls, by CPU';
  report(await compareBy(title, 0.9, asking(bare), asking(gate), seconds));
};

/** Of the engines that run in the process; where there is no opa, there is nothing to compile with. */
const tellEvaluations = async (closing: Closing) => {
  const directory = makeDirectory();
  closing.defer(directory.remove);
  const path = writePolicy(directory.path);
  const options = { queries: [query], timeoutMs: 1_000, now: Date.now };
  const read = readPolicyFiles(path);
  if ('problems' in read) throw new Error(`${path} cannot be read`);
  const regorus = await evaluationUs(loadRegorus({ ...options, path, files: read.files }));
  console.log(`policy evaluation, JSON both ways: ${regorus.toFixed(1)} µs by regorus`);
  if (find('opa') === undefined) return;
  const file = compilePolicy({ after: closing.defer });
  const wasm = await evaluationUs(await loadOpaWasm({ ...options, file, verification: undefined }));
  console.log(`  ${wasm.toFixed(1)} µs compiled to WebAssembly by opa`);
};

export const compareSidecar = async (closing: Closing, bench: SidecarBench): Promise<void> => {
  const certificates = makeCertificates(closing);
  await compareProxies(closing, certificates, bench);
  await comparePolicyCheck(closing, bench);
  await compareHandshakes(closing, certificates, bench);
  await tellEvaluations(closing);
};
