/** The listeners: proxies ask on one, operators on another, kubelets perhaps on a third. */
import type { Payments } from './assemble-payments.ts';
import type { Resolver } from './assemble-resolver.ts';
import type { Telemetry } from './assemble-telemetry.ts';
import { openWithTls, type TlsConfig } from './assemble-tls.ts';
import type { Usage } from './assemble-usage.ts';
import type { Config } from './config/config.ts';
import type { DecisionEvent } from './core/decision-event.ts';
import type { Gate } from './core/gate.ts';
import { createChallenge } from './http/challenge.ts';
import { createForwardAuth, isForwardAuth } from './http/forward-auth.ts';
import { createHealth, type ReadinessPart } from './http/health.ts';
import {
  createDoorListener,
  createKoaListener,
  createMainListener,
  type Door,
  nobodyAnswers,
} from './http/main-app.ts';
import { createPayEndpoint } from './http/pay.ts';
import { createPaymentPage } from './http/payment-page.ts';
import type { Peers } from './http/peers.ts';
import { createRefundEndpoint } from './http/refund.ts';
import { type Listener, type Listening, listen } from './http/server.ts';
import { createSessionEndpoint } from './http/session.ts';

export type ListenerParts = Readonly<{
  config: Config;
  gate: Gate;
  peers: Peers;
  /** The one of the moment. */
  resolver(): Resolver | undefined;
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
  grpc: Draining | undefined;
  resolver: Draining | undefined;
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

const doorOf = (resolver: ListenerParts['resolver']): Door => ({
  isFor: (url) => resolver()?.door.isFor(url) === true,
  answer: (message, response) => resolver()?.door.answer(message, response),
});

/** Where the resolver listens by itself. */
const ownAddrOf = (resolver: Config['resolver']): string | undefined => (resolver?.enabled ? resolver.addr : undefined);

export const openListeners = async (parts: ListenerParts): Promise<Listeners> => {
  const { config, gate, peers, telemetry, readiness, isStopping, renderMetrics, payments } = parts;
  const { http, endpoints, admin } = config;

  const open = (key: string, addr: string, listener: Listener, tls?: TlsConfig): Promise<Listening> =>
    openWithTls(key.replace(/addr$/, 'tls'), tls, telemetry.certificatesKept, (listenerTls) =>
      listen(listener, {
        addr,
        readTimeoutMs: http.read_timeout,
        writeTimeoutMs: http.write_timeout,
        maxHeaderBytes: http.max_header_size,
        tls: listenerTls,
      }).catch(explain(key, addr)),
    );

  const page = payments && createPaymentPage(payments.page);
  const forwardAuth: Door = {
    isFor: isForwardAuth,
    answer: createForwardAuth(gate, peers, parts.observe, page),
  };
  const resolver = doorOf(parts.resolver);
  const ownResolver = ownAddrOf(config.resolver);
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
  const main = createMainListener(
    ownResolver === undefined ? [forwardAuth, resolver] : [forwardAuth],
    [...forPayers, createChallenge(gate, peers, page), ...ownHealth],
    telemetry.failed,
  );

  const openGrpc = async (grpc: NonNullable<Config['grpc']>): Promise<Draining> => {
    const listener = await import('./assemble-grpc.ts');
    const { observe, usage, now } = parts;
    const own = {
      peers,
      grpc,
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

  const opened: Draining[] = [];
  try {
    const mainListening = await open('http.addr', http.addr, main, http.tls);
    opened.push(mainListening);
    const adminListening = admin && (await open('admin.addr', admin.addr, parts.admin));
    if (adminListening) opened.push(adminListening);
    if (endpoints.addr !== undefined) {
      opened.push(await open('endpoints.addr', endpoints.addr, createKoaListener([health], telemetry.failed)));
    }
    const resolverListening =
      ownResolver === undefined
        ? undefined
        : await open('resolver.addr', ownResolver, createDoorListener([resolver], nobodyAnswers, telemetry.failed));
    if (resolverListening) opened.push(resolverListening);
    const grpcListening = config.grpc && (await openGrpc(config.grpc));
    if (grpcListening) opened.push(grpcListening);
    return {
      main: mainListening,
      admin: adminListening,
      grpc: grpcListening,
      resolver: resolverListening,
      all: opened,
    };
  } catch (error) {
    await Promise.all(opened.map((listening) => listening.close(0)));
    throw error;
  }
};
