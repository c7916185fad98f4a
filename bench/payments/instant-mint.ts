/**
 * A mint whose private keys are all 1: it signs by giving back what it was sent, and checks nothing, so that its own work
 * does not stand in the measurement. Says on which port it listens.
 */
import { ECDH, hash } from 'node:crypto';
import { createServer } from 'node:http';
import { deriveKeysetId } from '@cashu/cashu-ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const uncompressed = (point: string): string =>
  String(ECDH.convertKey(point, 'secp256k1', 'hex', 'hex', 'uncompressed'));
const longG = uncompressed(G);

type Output = Readonly<{ amount: number; id: string; B_: string }>;

/** With the private key 1 and the nonce 1: `R1 = K = G`, `R2 = C_ = B_`, `s = 1 + e`. */
export const sign = ({ amount, id, B_ }: Output) => {
  const point = uncompressed(B_);
  const e = hash('sha256', longG + point + longG + point);
  const s = ((BigInt(`0x${e}`) + 1n) % ORDER).toString(16).padStart(64, '0');
  return { amount, id, C_: B_, dleq: { e, s } };
};

const keys = Object.fromEntries(Array.from({ length: 32 }, (_, power) => [String(2 ** power), G]));

export const keysetId = deriveKeysetId(keys, { versionByte: 0 });

const keyset = { id: keysetId, unit: 'sat', active: true, input_fee_ppk: 0 };

const answer = (path: string, body: string): unknown => {
  if (path === '/v1/keysets') return { keysets: [keyset] };
  if (path.startsWith('/v1/keys')) return { keysets: [{ ...keyset, keys }] };
  const { outputs } = JSON.parse(body) as { outputs: Output[] };
  return { signatures: outputs.map(sign) };
};

if (import.meta.main) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer(request.url ?? '', Buffer.concat(chunks).toString())));
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    console.log(`listening on ${typeof address === 'object' ? address?.port : ''}`);
  });
  process.on('SIGINT', () => server.close(() => process.exit(0)));
}
