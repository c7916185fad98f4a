/** One house for a whole test file: the service, an application, an issuer, mints. Proxies come in front of it. */
import { createPayer, type Payer } from '../../examples/play-mint/payer.ts';
import { type EchoApp, startEchoApp } from '../peers/echo-app.ts';
import { answering } from '../peers/faults.ts';
import { type JwksServer, startJwksServer } from '../peers/jwks-server.ts';
import { type FaultyMint, startMint } from '../peers/mint.ts';
import { type Sallyport, startSallyport } from '../sallyport.ts';
import type { Ports } from '../servers/addresses.ts';
import type { Owner } from '../servers/last-resort.ts';
import { request } from '../servers/request.ts';
import { type Relay, startRelay } from './relay.ts';

export type House = Readonly<{
  app: EchoApp;
  issuer: JwksServer;
  mint: FaultyMint;
  payer: Payer;
  /** Whose mint answers every swap with an error, so that nobody knows what became of the money. */
  unluckyPayer: Payer;
  gate: Sallyport;
  /** The way from the proxies to the gate. */
  relay: Relay;
  /** The same over gRPC. */
  grpcRelay: Relay;
  /** What stands in for the addresses in the examples. */
  ports: Ports;
  /** Every header that the service sets for the application, as it really answers. */
  managed: readonly string[];
  /** Another service of the same kind, on the data of an earlier one where its directory is given. */
  startAnother(owner: Owner, directory?: string): Promise<Sallyport>;
}>;

/** Of an allowing answer, what is not for the application. */
const aboutTheAnswer = ['cache-control', 'x-request-id', 'content-length', 'date', 'connection', 'keep-alive'];

const askForManaged = async (gate: Sallyport): Promise<string[]> => {
  const { status, headers } = await request(gate.url, '/auth/native/free/1');
  if (status !== 200) throw new Error(`a free path was refused: ${status}`);
  return Object.keys(headers).filter((name) => !aboutTheAnswer.includes(name));
};

export const prices = { premium: 21 } as const;

export async function openHouse(owner: Owner): Promise<House> {
  const [app, issuer, mint, unlucky] = await Promise.all([
    startEchoApp({ owner }),
    startJwksServer({ owner, algorithms: ['RS256'] }),
    startMint({ owner }),
    startMint({ owner }),
  ]);
  unlucky.faults.set('/v1/swap', answering(500));
  const config = `
jwt:
  issuers:
    - { name: users, issuer: "${issuer.url}", audience: api, jwks_url: "${issuer.jwksUrl}" }
    - { name: gone, issuer: "https://gone.internal", audience: api, jwks_url: "${issuer.url}/nothing" }
cashu: { mints: ["${mint.url}", "${unlucky.url}"] }
logger: { format: json }
grpc: { addr: "127.0.0.1:0" }
rules:
  - { name: free, match: { path: "/free/**" }, accept: [anonymous] }
  - { name: orders, match: { path: "/orders/**" }, accept: [api_key, jwt] }
  - { name: readers, match: { path: "/read/**", methods: [GET, HEAD] }, accept: [anonymous] }
  - { name: writers, match: { path: "/read/**" }, accept: [api_key] }
  - name: staff
    match: { path: "/staff/**" }
    accept: [jwt]
    require: { issuer: users, scopes: [staff] }
    headers: { inject_claims: { "realm_access.roles": X-User-Roles } }
  - { name: premium, match: { path: "/premium/**" }, accept: [cashu, api_key], price: ${prices.premium} }
  - { name: scarce, match: { path: "/scarce/**" }, accept: [api_key], limits: { per_day: 1 } }
  - { name: open-host, match: { host: open.example.com, path: "/**" }, accept: [anonymous] }
  - { name: closed-host, match: { host: closed.example.com, path: "/**" }, accept: [api_key] }
`;
  const startAnother = (its: Owner, directory?: string) =>
    startSallyport({ owner: its, config, ...(directory === undefined ? {} : { directory }) });
  const gate = await startAnother(owner);
  const relay = await startRelay(gate.port, owner);
  const grpcRelay = await startRelay(gate.grpcPort, owner);
  return {
    app,
    issuer,
    mint,
    payer: createPayer(mint.url),
    unluckyPayer: createPayer(unlucky.url),
    gate,
    relay,
    grpcRelay,
    ports: { '127.0.0.1:8080': relay.port, '127.0.0.1:9001': grpcRelay.port, '127.0.0.1:3000': app.port },
    managed: await askForManaged(gate),
    startAnother,
  };
}
