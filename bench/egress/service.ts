/** What stands behind the proxies: node:http, which answers as many bytes as the path says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const bodies = new Map<string, Buffer>();

const bodyOf = (path: string): Buffer => {
  const known = bodies.get(path);
  if (known) return known;
  const body = Buffer.alloc(Number(path.slice(1)), 'x');
  bodies.set(path, body);
  return body;
};

const server = createServer({ keepAliveTimeout: 75_000 }, ({ url = '' }, response) => {
  const body = bodyOf(url);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length });
  response.end(body);
});

server.listen(0, '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
