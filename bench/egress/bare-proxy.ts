/**
 * What egress and the sidecar are measured against: node:http in front, undici's `dispatch` behind, raw headers in and out, a
 * credential put on, a pause where a side is slow. It checks nothing, counts nothing and logs nothing. With a certificate, its key
 * and an authority it speaks TLS, and demands certificates of that authority, as node:https does by itself.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const [origin = '', ...files] = process.argv.slice(2);

const pool = new Pool(origin, { allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
const dropped = new Set([
  'host',
  'connection',
  'authorization',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
]);

const keep = (raw: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!dropped.has(name.toLowerCase())) kept.push(name, raw[at + 1] ?? '');
  }
  return kept;
};

const proxy: RequestListener = (request, response) => {
  const headers = keep(request.rawHeaders);
  headers.push('Authorization', 'Bearer token');
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const length = request.headers['content-length'];
  if (hasBody && length !== undefined) headers.push('Content-Length', length);
  pool.dispatch(
    {
      method: request.method ?? 'GET',
      path: (request.url ?? '').replace('/ext/target', '') || '/',
      headers,
      body: hasBody ? request : null,
    },
    {
      onRequestStart(controller) {
        response.on('drain', () => controller.resume());
      },
      onResponseStart(controller, status) {
        const raw = Array.isArray(controller.rawHeaders)
          ? controller.rawHeaders.map((part) => part.toString('latin1'))
          : [];
        const kept: string[] = [];
        for (let at = 0; at < raw.length; at += 2) {
          const name = raw[at] ?? '';
          const lower = name.toLowerCase();
          if (lower !== 'connection' && lower !== 'keep-alive' && lower !== 'transfer-encoding')
            kept.push(name, raw[at + 1] ?? '');
        }
        response.writeHead(status, kept);
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause();
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        response.destroy();
      },
    },
  );
};

const [cert, key, ca] = files.map((file) => readFileSync(file));
const options = { keepAliveTimeout: 75_000 };
const server =
  cert && key && ca
    ? createSecureServer({ ...options, cert, key, ca, requestCert: true, rejectUnauthorized: true }, proxy)
    : createServer(options, proxy);
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
