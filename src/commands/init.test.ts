import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { configSchema } from '../config/schema/config.ts';
import { init, startingConfig } from './init.ts';
import { validate } from './validate.ts';

const env = { SALLYPORT_ADMIN_TOKEN: 'a-token-of-more-than-16' };

const inFolder = async (run: (folder: string) => void | Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-init-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('init writes a configuration that is valid, and available, as it stands', () =>
  inFolder(async (cwd) => {
    assert.equal(init({ cwd }).exitCode, 0);
    assert.deepEqual(await validate(undefined, { env, cwd }), {
      exitCode: 0,
      output: 'sallyport.yaml: valid, 2 rules',
    });
  }));

test('init keeps a file that is there, and says how to write over it', () =>
  inFolder((cwd) => {
    init({ cwd, path: 'a.yaml' });
    const refusal = { exitCode: 1, output: 'a.yaml is already there; --force writes over it.' };
    assert.deepEqual(init({ cwd, path: 'a.yaml' }), refusal);
    assert.equal(init({ cwd, path: 'a.yaml', force: true }).exitCode, 0);
  }));

test('init into a folder that is not there says so', () =>
  inFolder((cwd) => {
    const { exitCode, output } = init({ cwd, path: 'gone/a.yaml' });
    assert.equal(exitCode, 1);
    assert.match(output, /^gone\/a\.yaml: .*no such file/);
  }));

test('the first line leads editors to the schema', () =>
  inFolder((cwd) => {
    const file = join(cwd, 'etc', 'sallyport.yaml');
    mkdirSync(dirname(file));
    const [first = ''] = startingConfig(file).split('\n');
    const reference = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1] ?? '';
    assert.doesNotThrow(() => readFileSync(resolve(dirname(file), reference)));
  }));

test('the starting configuration has every block, and no other', () => {
  const text = startingConfig('/x/sallyport.yaml');
  const switchedOff = [...text.matchAll(/^# ([a-z_]+): /gm)].map(([, block = '']) => block);
  const written = [...Object.keys(Object(parse(text))), ...switchedOff];
  assert.deepEqual(written.toSorted(), Object.keys(configSchema.def.out.def.shape).toSorted());
});

test('what is switched off by a comment is valid too, but for policies that are not here', () =>
  inFolder(async (cwd) => {
    const on = startingConfig(join(cwd, 'a.yaml'))
      .replace(/^ +(issuers|mints): \[\]$/gm, (line) => line.replace(' []', ''))
      .replace(/^( *)# (?=[ -]*[a-z_]+: )/gm, '$1');
    assert.ok(on.includes('\n  - name: premium'));
    writeFileSync(join(cwd, 'a.yaml'), on);
    const random = () => randomBytes(32).toString('base64');
    const withKey = { ...env, SALLYPORT_ENCRYPTION_KEY: random(), JWT_SECRET: random(), STRIPE_SECRET_KEY: 'sk_test' };
    assert.deepEqual(await validate('a.yaml', { env: withKey, cwd, withoutEnv: true }), {
      exitCode: 0,
      output: 'a.yaml: valid, 4 rules, a reverse proxy with 1 route',
    });
  }));
