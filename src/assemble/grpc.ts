/** The gRPC listener: Envoy asks there, and sends its access logs. Loaded only where the configuration names it. */

import { watchCertificates } from '../certificates.ts';
import { parseAddress } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import type { DecisionEvent } from '../core/decision-event.ts';
import type { Gate } from '../core/gate.ts';
import { perObject } from '../core/per-object.ts';
import type { Refusal } from '../core/refusal.ts';
import type { AuthRequest } from '../core/request.ts';
import { createStreamAccessLogs } from '../grpc/access-log/stream-access-logs.ts';
import { createCheck } from '../grpc/ext-authz/check.ts';
import type { HttpAnswer } from '../grpc/ext-authz/check-response.ts';
import { createResolverCheck } from '../grpc/ext-authz/resolver-check.ts';
import { createHealthService } from '../grpc/health/health.ts';
import { type GrpcListening, listenGrpc } from '../grpc/server/listener.ts';
import type { Methods } from '../grpc/server/method.ts';
import { sendLater } from '../http/auth-response.ts';
import { handshakeFailure } from '../http/handshake-failure.ts';
import { createReadinessCheck, type ReadinessPart } from '../http/health.ts';
import { type PaymentPage, pageFor } from '../http/payment-page.ts';
import type { Peers } from '../http/peers.ts';
import { problemReply } from '../http/problem.ts';
import { neverCached, type Reply } from '../http/reply.ts';
import { handshakePatienceMs } from '../http/tls.ts';
import { createEscapedPemReader } from '../http/told-certificates.ts';
import type { Resolver } from './resolver.ts';
import type { Telemetry } from './telemetry.ts';
import type { Usage } from './usage.ts';

type GrpcConfig = NonNullable<Config['grpc']>;

export type GrpcParts = Readonly<{
  peers: Peers;
  grpc: GrpcConfig;
  readTimeoutMs: number;
  maxConnections: number;
  gate: Pick<Gate, 'decide'>;
  /** The one of the moment. */
  resolver(): Resolver | undefined;
  page: PaymentPage | undefined;
  observe(event: DecisionEvent): void;
  telemetry: Pick<
    Telemetry,
    'failed' | 'accessLogOpened' | 'accessLogEntries' | 'accessLogMalformed' | 'tls' | 'connectionLimit'
  >;
  readiness(): readonly ReadinessPart[];
  isStopping(): boolean;
  /** Left out where nothing is counted: then access logs are not taken. */
  usage: Pick<Usage, 'record' | 'room'> | undefined;
  now(): number;
}>;

const AUTHORIZATION = 'envoy.service.auth.v3.Authorization';
const ACCESS_LOG = 'envoy.service.accesslog.v3.AccessLogService';

/** Between two looks at whether we are ready, while somebody watches. */
const HEALTH_EVERY_MS = 5_000;

const toAnswer = ({ status, headers, body = '' }: Reply): HttpAnswer => ({
  status,
  headers: Object.assign({}, ...[neverCached, ...headers].map((lines) => lines.headers)),
  body,
});

/** What browsers are shown, or else the problem document: as over HTTP. */
const createAnswerTo = (page: PaymentPage | undefined) => {
  const problemOf = perObject((refusal: Refusal) => toAnswer(problemReply(refusal)));
  return (refusal: Refusal, request: AuthRequest | undefined): HttpAnswer => {
    const accept = request?.header('accept');
    const destination = request?.header('sec-fetch-dest');
    const headers = {
      ...(accept !== undefined && { accept }),
      ...(destination !== undefined && { 'sec-fetch-dest': destination }),
    };
    const shown = pageFor(page, refusal, request, { headers });
    return shown ? toAnswer(shown) : problemOf(refusal);
  };
};

/** Sandboxes are no browsers: they are told the problem document. */
const toResolverCheck = perObject(({ resolve, tokenHeader, observe }: Resolver) => {
  const answerTo = createAnswerTo(undefined);
  return createResolverCheck({
    resolve,
    tokenKey: tokenHeader,
    observe,
    answerTo: (refusal) => answerTo(refusal, undefined),
  });
});

const readSource = createEscapedPemReader();

const checkMethods = ({ gate, resolver, peers, page, observe }: GrpcParts): Methods => ({
  [`/${AUTHORIZATION}/Check`]: createCheck({
    gate,
    clientIpOf: (peer, chain) => peers.clientIp(peer, chain, undefined),
    // A proxy in front of Envoy that tells of its clients is itself on Envoy's connection.
    certificateOf: (peer, host, header, source) =>
      peers.certificateFormat === 'envoy' ? peers.certificate(peer, host, header) : readSource(source),
    observe,
    answerTo: createAnswerTo(page),
    resolver() {
      const current = resolver();
      return current && toResolverCheck(current);
    },
  }),
});

const accessLogMethods = ({ grpc, telemetry, now }: GrpcParts, usage: NonNullable<GrpcParts['usage']>): Methods => ({
  [`/${ACCESS_LOG}/StreamAccessLogs`]: createStreamAccessLogs({
    record: usage.record,
    room: usage.room,
    now,
    identityFrom: grpc.access_log_identity,
    onStream: (node, log, { ip }) => telemetry.accessLogOpened(node, log, ip),
    onEntries: telemetry.accessLogEntries,
    onMalformed: ({ ip }) => telemetry.accessLogMalformed(ip),
  }),
});

const every = (callback: () => void): (() => void) => {
  const timer = setInterval(callback, HEALTH_EVERY_MS).unref();
  return () => clearInterval(timer);
};

export const openGrpc = async (parts: GrpcParts): Promise<GrpcListening> => {
  const { peers, grpc, telemetry, readiness, isStopping } = parts;
  const usage = grpc.access_log ? parts.usage : undefined;
  const health = createHealthService({
    services: [...(grpc.ext_authz ? [AUTHORIZATION] : []), ...(usage ? [ACCESS_LOG] : [])],
    isReady: createReadinessCheck({ parts: readiness, isStopping }),
    every,
  });
  const tls = grpc.tls?.enabled ? grpc.tls : undefined;
  const tlsEvents = telemetry.tls('grpc');
  const certificates = tls && watchCertificates(tls, tlsEvents.onKept);
  const listening = await listenGrpc({
    host: parseAddress(grpc.addr)?.host,
    port: parseAddress(grpc.addr)?.port ?? 0,
    limit: telemetry.connectionLimit('grpc', parts.maxConnections),
    methods: {
      ...(grpc.ext_authz && checkMethods(parts)),
      ...(usage && accessLogMethods(parts, usage)),
      '/grpc.health.v1.Health/Check': health.check,
      '/grpc.health.v1.Health/Watch': health.watch,
    },
    maxMessageBytes: grpc.max_message_size,
    certificates: certificates?.current,
    messageTimeoutMs: parts.readTimeoutMs,
    handshakeTimeoutMs: handshakePatienceMs(parts.readTimeoutMs),
    minVersion: tls?.min_version === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    peerOf: peers.of,
    onHandshakeFailed: (socket, error) =>
      tlsEvents.onHandshakeFailed(handshakeFailure(socket, error), socket.remoteAddress),
    sendLater,
    onError: telemetry.failed,
  });
  if (certificates) tlsEvents.onUsed('start', certificates.current.endsAt);
  certificates?.onChange((renewed) => {
    listening.renew(renewed);
    tlsEvents.onUsed('renewed', renewed.endsAt);
  });
  return {
    ...listening,
    drain() {
      health.changed();
      listening.drain();
    },
    async close(graceMs) {
      certificates?.close();
      await listening.close(graceMs);
    },
  };
};
