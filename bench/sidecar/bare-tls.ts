/** What handshakes are measured against: node:tls, which demands a certificate and says nothing. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';

const [cert, key, ca] = process.argv.slice(2).map((file) => readFileSync(file));
if (!cert || !key || !ca) throw new Error('expected certificate, key and authority');

const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (socket) => {
  socket.on('error', () => undefined).resume();
});

server.listen(0, '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`);
});
