/** The listeners: proxies ask on one, operators on another, kubelets perhaps on a third. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Gate } from '../core/gate.ts';
import { createChallenge } from '../http/challenge.ts';
import { asksForWebSocket } from '../http/egress-socket.ts';
import { createForwardAuth, isForwardAuth } from '../http/forward-auth.ts';
import { createHealth, type ReadinessPart } from '../http/health.ts';
import {
  createDoorListener,
  createKoaListener,
  createMainListener,
  type Door,
  nobodyAnswers,
} from '../http/main-app.ts';
import { createPayEndpoint } from '../http/pay.ts';
import { createPaymentPage } from '../http/payment-page.ts';
import type { Peers } from '../http/peers.ts';
import { createRefundEndpoint } from '../http/refund.ts';
import { type Listener, type Listening, listen } from '../http/server.ts';
import { createSessionEndpoint } from '../http/session.ts';
import type { Egress } from './egress.ts';
import type { Payments } from './payments.ts';
import type { AssembledProxy } from './proxy.ts';
import type { Resolver } from './resolver.ts';
import type { Telemetry } from './telemetry.ts';
import { openWithTls, type TlsConfig } from './tls.ts';
import type { Usage } from './usage.ts';

export type ListenerParts = Readonly<{
  config: Config;
  gate: Gate;
  peers: Peers;
  /** The one of the moment. */
  resolver(): Resolver | undefined;
  egress(): Egress | undefined;
  proxy(): AssembledProxy | undefined;
  telemetry: Telemetry;
  /** Told of every decision. */
  observe(event: DecisionEvent): void;
  readiness(): readonly ReadinessPart[];
  isStopping(): boolean;
  renderMetrics(): Promise<string>;
  /** Opened only where the configuration has an admin listener. */
  admin: Listener;
  /** Where Envoy's access logs go; left out where nothing is counted. */
  usage: Pick<Usage, 'record' | 'room'> | undefined;
  now(): number;
  /** Left out where nothing is sold. */
  payments: Pick<Payments, 'page' | 'endSession' | 'refund'> | undefined;
}>;

type Draining = Pick<Listening, 'address' | 'drain' | 'close'>;

export type Listeners = Readonly<{
  main: Listening;
  admin: Listening | undefined;
  endpoints: Listening | undefined;
  grpc: Draining | undefined;
  resolver: Draining | undefined;
  egress: Draining | undefined;
  all: readonly Draining[];
}>;

class CannotListen extends Error {}

/** Says which key of the configuration names the address that is taken. */
const explain = (key: string, addr: string) => (error: NodeJS.ErrnoException) => {
  const reason = { EADDRINUSE: 'the address is in use already', EACCES: 'the port needs more rights' }[
    error.code ?? ''
  ];
  throw new CannotListen(`${key} ${addr}: ${reason ?? error.message}`, { cause: error });
};

/** `forwards`: which requests go on to somebody else, with their bodies and upgrades. */
type OpenOptions = Readonly<{ tls?: TlsConfig; forwards?: (message: IncomingMessage) => boolean }>;

type Doorkeeper = () => Readonly<{ door: Door }> | undefined;

const doorOf = (keeper: Doorkeeper): Door => ({
  isFor: (url, message) => keeper()?.door.isFor(url, message) === true,
  answer: (message, response) => keeper()?.door.answer(message, response),
});

/** On a listener of its own every request is for it, for as long as a reload has not switched it off. */
const alone = (keeper: Doorkeeper): Door => ({ ...doorOf(keeper), isFor: () => keeper() !== undefined });

const everyRequest = (): boolean => true;

/** Where something listens by itself. */
const ownAddrOf = (block: Config['resolver'] | Config['egress']): string | undefined =>
  block?.enabled ? block.addr : undefined;

export const openListeners = async (parts: ListenerParts): Promise<Listeners> => {
  const { config, gate, peers, telemetry, readiness, isStopping, renderMetrics, payments } = parts;
  const { http, endpoints, admin } = config;

  const open = (
    key: string,
    addr: string,
    listener: Listener,
    { tls, forwards }: OpenOptions = {},
  ): Promise<Listening> => {
    const block = key.replace(/\.addr$/, '');
    return openWithTls(`${block}.tls`, tls, telemetry.tls(block), (listenerTls) =>
      listen(listener, {
        addr,
        limit: telemetry.connectionLimit(block, http.max_connections),
        readTimeoutMs: http.read_timeout,
        writeTimeoutMs: http.write_timeout,
        maxHeaderBytes: http.max_header_size,
        tls: listenerTls,
        invitesBody: forwards,
        mayUpgrade: forwards && ((message) => forwards(message) && asksForWebSocket(message)),
      }).catch(explain(key, addr)),
    );
  };

  const page = payments && createPaymentPage(payments.page);
  const forwardAuth: Door = {
    isFor: isForwardAuth,
    answer: createForwardAuth(gate, peers, parts.observe, page),
  };
  const resolver = doorOf(parts.resolver);
  const ownResolver = ownAddrOf(config.resolver);
  const egress = doorOf(parts.egress);
  const ownEgress = ownAddrOf(config.egress);
  const forEgress = (message: IncomingMessage): boolean =>
    ownEgress === undefined && egress.isFor(message.url ?? '', message);
  const health = createHealth({
    paths: endpoints,
    parts: readiness,
    isStopping,
    renderMetrics: async () => ({ contentType: telemetry.registry.contentType, body: await renderMetrics() }),
  });
  const forPayers =
    payments && page
      ? [
          createPayEndpoint({ gate, peers, page, observe: parts.observe }),
          createSessionEndpoint(peers, payments.endSession, telemetry.failed),
          ...(payments.refund
            ? [createRefundEndpoint({ peers, refund: payments.refund, onError: telemetry.failed })]
            : []),
        ]
      : [];
  const ownHealth = endpoints.addr === undefined ? [health] : [];
  // In front of a service, every path is the service's.
  const proxied = alone(() => {
    const proxy = parts.proxy();
    return proxy && { door: { isFor: everyRequest, answer: proxy.answer } };
  });
  const main = createMainListener(
    [forwardAuth, ...(ownResolver === undefined ? [resolver] : []), ...(ownEgress === undefined ? [egress] : [])],
    [...forPayers, createChallenge(gate, peers, page), ...ownHealth],
    telemetry.failed,
  );

  const openGrpc = async (grpc: NonNullable<Config['grpc']>): Promise<Draining> => {
    const listener = await import('./grpc.ts');
    const { observe, usage, now } = parts;
    const own = {
      peers,
      grpc,
      readTimeoutMs: http.read_timeout,
      maxConnections: http.max_connections,
      gate,
      page,
      observe,
      telemetry,
      readiness,
      isStopping,
      usage,
      now,
      resolver: parts.resolver,
    };
    return listener.openGrpc(own).catch(explain('grpc.addr', grpc.addr));
  };

  const openEndpoints = async (addr: string | undefined) =>
    addr === undefined ? undefined : open('endpoints.addr', addr, createKoaListener([health], telemetry.failed));

  const openAlone = async (key: string, addr: string | undefined, keeper: Doorkeeper, options?: OpenOptions) =>
    addr === undefined
      ? undefined
      : open(key, addr, createDoorListener([alone(keeper)], nobodyAnswers, telemetry.failed), options);

  const opened: Draining[] = [];
  const keep = <T extends Draining | undefined>(listening: T): T => {
    if (listening) opened.push(listening);
    return listening;
  };
  try {
    return {
      main: keep(
        config.proxy?.enabled
          ? await open('http.addr', http.addr, createDoorListener([proxied], nobodyAnswers, telemetry.failed), {
              tls: http.tls,
              forwards: everyRequest,
            })
          : await open('http.addr', http.addr, main, { tls: http.tls, forwards: forEgress }),
      ),
      admin: keep(admin && (await open('admin.addr', admin.addr, parts.admin))),
      endpoints: keep(await openEndpoints(endpoints.addr)),
      resolver: keep(await openAlone('resolver.addr', ownResolver, parts.resolver, { tls: config.resolver?.tls })),
      egress: keep(
        await openAlone('egress.addr', ownEgress, parts.egress, { tls: config.egress?.tls, forwards: everyRequest }),
      ),
      grpc: keep(config.grpc && (await openGrpc(config.grpc))),
      all: opened,
    };
  } catch (error) {
    await Promise.all(opened.map((listening) => listening.close(0)));
    throw error;
  }
};
