/** The clients that docs/egress.md shows, word for word, against the service and a target that records what it got. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';
import { locate, needs } from '../servers/programs.ts';
import { createWorkdir } from '../servers/workdir.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/egress.md'), 'utf8');
const { path: folder } = createWorkdir('clients', { after });

const snippet = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(docs)?.[1] ??
  assert.fail(`docs/egress.md has no ${language}`);

const target = await startRecordingTarget({ owner: { after } });
target.behave((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"id":"ch_1"}');
});
const config = `
egress:
  targets:
    stripe: { url: "${target.url}/v1", allow_private: true, auth: { type: bearer, token: sk_test_of_the_target } }
  routes:
    - { path_prefix: /ext/stripe, strip_prefix: /ext/stripe, target: stripe }
`;
const sallyport = await startSallyport({ config, owner: { after } });

const clients = [
  ['python', 'client.py', ({ file }: { file: string }) => [locate('python3'), file], 'python3'],
  ['javascript', 'client.mjs', ({ file }: { file: string }) => [process.execPath, file], undefined],
  ['go', 'client.go', ({ file }: { file: string }) => [locate('go'), 'run', file], 'go'],
] as const;

for (const [language, name, commandOf, program] of clients) {
  test(
    `the client in ${language} makes its charge, and has no secret to do it with`,
    program ? needs(program) : {},
    async () => {
      const file = join(folder, name);
      writeFileSync(file, snippet(language));
      const [command = '', ...args] = commandOf({ file });
      const before = target.calls.length;
      const env = { ...process.env, EGRESS_PROXY_URL: sallyport.url };
      const { stdout } = await promisify(execFile)(command, args, { env });
      assert.match(stdout, /ch_1/);
      assert.deepEqual(
        target.calls
          .slice(before)
          .map(({ method, url, values, body }) => [method, url, values('authorization'), JSON.parse(body)]),
        [['POST', '/v1/charges', ['Bearer sk_test_of_the_target'], { amount: 1000, currency: 'usd' }]],
      );
    },
  );
}
