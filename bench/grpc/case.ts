/** Envoy's Check over gRPC, against a bare unary method of grpc-js. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { checkOf, encode } from '../../test/peers/envoy-api.ts';
import { type Comparison, compareBy } from '../compare.ts';
import type { Measured } from '../load.ts';
import { pinned } from '../servers.ts';

/** Four threads of an Envoy. */
const CONNECTIONS = 4;
const AT_ONCE = 16;

/** As Envoy describes a browser's request. */
const message = (key: string): Buffer =>
  encode(
    'CheckRequest',
    checkOf({
      id: '6483728291029384756',
      host: 'shop.example.com',
      path: '/api/v1/orders/42?expand=items',
      scheme: 'https',
      protocol: 'HTTP/1.1',
      headers: {
        ':authority': 'shop.example.com',
        ':method': 'GET',
        ':path': '/api/v1/orders/42?expand=items',
        ':scheme': 'https',
        authorization: `Bearer ${key}`,
        accept: 'application/json, text/plain, */*',
        'accept-encoding': 'gzip, deflate, br',
        'accept-language': 'en-GB,en;q=0.9',
        'user-agent':
          'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36',
        'x-forwarded-for': '203.0.113.9',
        'x-forwarded-proto': 'https',
        'x-request-id': '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
      },
    }),
  );

const replay = async (port: number, key: string, seconds: number): Promise<Measured> => {
  const file = join(import.meta.dirname, 'replay.ts');
  const args = [port, seconds, CONNECTIONS, AT_ONCE].map(String);
  const caller = spawn(...pinned(1, process.execPath, [file, ...args, message(key).toString('hex')]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(caller.stdout)) as Measured;
};

type Asked = Readonly<{ grpcPort: number; key: string }>;

export const compareChecks = (bare: Asked, gate: Asked, seconds: number): Promise<Comparison> =>
  compareBy(
    'Check over gRPC, against a bare grpc-js server',
    0.8,
    (forSeconds) => replay(bare.grpcPort, bare.key, forSeconds),
    (forSeconds) => replay(gate.grpcPort, gate.key, forSeconds),
    seconds,
  );
