/** No token, no secret of a proof, ours or theirs, and no blinding factor is ever in a log line, a metric or an answer. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { SerializedOutputData } from '@cashu/cashu-ts';
import { createPayer } from '../../examples/play-mint/payer.ts';
import { encodeToken } from '../../examples/play-mint/token.ts';
import { droppedAfter, type Fault } from '../peers/faults.ts';
import { startMint } from '../peers/mint.ts';
import { startSallyport } from '../sallyport.ts';
import type { Answered } from '../servers/request.ts';
import { ask, codeOf, times } from './ask.ts';

let lastSwap = '';

/** A mint that repeats what it was sent, the latest swap above all, wherever it can. */
const echoing =
  (make: (sent: string) => { status: number; body: string }): Fault =>
  (_act, { body, url }) => {
    if (url === '/v1/swap') lastSwap = body.toString();
    return make(`${lastSwap} ${url} ${body.toString()}`);
  };

/** The mint acts, keeps what it was sent in mind, and the connection is cut. */
const droppedAndRemembered: Fault = async (act, { body }) => {
  lastSwap = body.toString();
  await act();
  return undefined;
};

const asDetail = (code?: number) => echoing((sent) => ({ status: 400, body: JSON.stringify({ detail: sent, code }) }));
const asRubbish = echoing((sent) => ({ status: 200, body: sent }));
const asWrongForm = echoing((sent) => ({
  status: 200,
  body: JSON.stringify({ [sent]: sent, signatures: sent, states: sent, outputs: [sent], keysets: [{ id: sent }] }),
}));
const asError = echoing((sent) => ({ status: 500, body: sent }));

const faults = [
  asDetail(0),
  asDetail(10_001),
  asDetail(11_001),
  asDetail(),
  asRubbish,
  asWrongForm,
  asError,
  droppedAfter,
];
const paths = ['/v1/swap', '/v1/checkstate', '/v1/restore'];

/** As they are, and as a careless line might write them. */
const spellings = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('base64url').slice(0, -1), bytes.toString('hex'), encodeURIComponent(secret)];
};

const ourSecrets = (file: string): string[] => {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare('SELECT outputs FROM swaps').all();
  database.close();
  return rows
    .flatMap(({ outputs }) => JSON.parse(String(outputs)) as SerializedOutputData[])
    .flatMap(({ secret, blindingFactor }) => [
      secret,
      Buffer.from(secret, 'hex').toString(),
      blindingFactor,
      BigInt(blindingFactor).toString(16),
    ]);
};

const assertHidden = (needles: ReadonlySet<string>, told: readonly string[]): void => {
  assert.ok(needles.size > 200);
  for (const needle of needles) {
    const at = told.find((text) => text.includes(needle));
    assert.equal(at, undefined, `${needle} is in:\n${at?.slice(0, 2_000)}`);
  }
};

const kinds = ['paid', 'payment_uncertain', 'payment_rejected', 'malformed_payment', 'insufficient_payment'];

test('whatever the mint answers, and wherever a request fails', async (t) => {
  const mint = await startMint({ owner: t });
  const pay = createPayer(mint.url);
  const gate = await startSallyport({
    owner: t,
    config: `
logger: { level: trace, format: json, sample_allows: 1 }
cashu: { mints: ["${mint.url}"] }
rules:
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: { amount: 8, buys: { requests: 2 } } }
  - { name: dear, match: { path: "/dear/**" }, accept: [cashu], price: 5000 }
  - { name: members, match: { path: "/members/**" }, accept: [api_key] }
`,
  });
  const answers: Answered[] = [];
  const needles = new Set<string>();
  let sources = 0;
  const present = async (token: string, path?: string, header?: string): Promise<string> => {
    sources += 1;
    const answer = await ask(gate.url, token, {
      from: `203.0.113.${sources % 250}`,
      ...(path && { path }),
      ...(header && { header }),
    });
    answers.push(answer);
    return codeOf(answer);
  };
  const money = async (): Promise<string> => {
    const proofs = await pay.proofs(8, { coins: [4, 4] });
    const token = encodeToken({ mint: mint.url, unit: 'sat', proofs });
    needles.add(token.slice(6));
    for (const { secret, C } of proofs) for (const needle of [...spellings(secret), C]) needles.add(needle);
    return token;
  };

  const seen = new Set<string>();
  for (const path of paths) {
    for (const fault of faults) {
      if (path !== '/v1/swap') mint.faults.set('/v1/swap', droppedAndRemembered, { times: 1 });
      mint.faults.set(path, fault, { times: 3 });
      const token = await money();
      for (const _ of [1, 2]) seen.add(await present(token));
      mint.faults.clear();
    }
  }
  const token = await money();
  for (const path of ['/dear/1', '/premium/1', '/members/1', '/nowhere', `/premium/..%2f`])
    seen.add(await present(token, path));
  for (const header of ['Authorization', 'X-API-Key'])
    seen.add(await present(header === 'Authorization' ? `Bearer ${token}` : token, '/premium/1', header));
  for (const cut of times(6, (index) => token.slice(0, token.length - 7 * (index + 1)))) seen.add(await present(cut));
  assert.deepEqual(
    kinds.filter((kind) => !seen.has(kind)),
    [],
  );

  for (const secret of ourSecrets(join(gate.directory, 'sallyport.db'))) needles.add(secret);
  const told = [
    ...answers.map(({ rawHeaders, body }) => `${rawHeaders.join('\n')}\n${body}`),
    await (await fetch(`${gate.url}/metrics`)).text(),
    await (await fetch(`${gate.url}/ready`)).text(),
  ];
  await gate.stop();
  told.push(gate.output());
  assert.ok(gate.log().some(({ event }) => event === 'payment_uncertain'));
  assert.ok(gate.log().some(({ event }) => event === 'paid'));
  assertHidden(needles, told);
});
