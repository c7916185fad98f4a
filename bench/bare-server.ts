/**
 * What everything is measured against: node:http, which reads the request and answers 200 with three headers; as `verify` it
 * verifies the request's JWT with jose each time.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';

const [variant, jwksUrl = ''] = process.argv.slice(2);

const allow = (user: string) => ({ 'X-User-ID': user, 'Cache-Control': 'no-store', 'Content-Length': '0' });

const server = createServer({ keepAliveTimeout: 75_000 });

if (variant === 'verify') {
  const keys: JWTVerifyGetKey = createLocalJWKSet((await (await fetch(jwksUrl)).json()) as JSONWebKeySet);
  server.on('request', async (request, response) => {
    const { payload } = await jwtVerify(request.headers.authorization?.slice(7) ?? '', keys, { audience: 'bench' });
    response.writeHead(200, allow(payload.sub ?? ''));
    response.end();
  });
} else {
  server.on('request', (request, response) => {
    response.writeHead(200, allow(request.headers.authorization ? 'user' : 'nobody'));
    response.end();
  });
}

server.listen(0, '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
