/**
 * The four services of the three zones with a Sallyport beside each, all on loopback, with certificates of their own in one
 * temporary folder, and an identity provider: the sample one, or a Keycloak that is there already.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RealmFile } from '../sample-issuer/realm.ts';
import { startRealms } from '../sample-issuer/realms.ts';
import { choosePorts, type Ports } from './ports.ts';
import { startDataService } from './services/data.ts';
import { startOrderService } from './services/order.ts';
import { startPaymentService } from './services/payment.ts';
import { startSidecar } from './sidecar.ts';

export const realmFiles = ['users', 'services'].map((name) => join(import.meta.dirname, `keycloak/${name}-realm.json`));

export const readRealm = (file: string): RealmFile => JSON.parse(readFileSync(file, 'utf8'));

/** Of the file of the realm, where Keycloak has it from too. */
const secretOf = (clientId: string): string => {
  const clients = realmFiles.flatMap((file) => readRealm(file).clients);
  return clients.find((client) => client.clientId === clientId)?.secret ?? '';
};

export type ZonesOptions = Readonly<{
  /** URL of a Keycloak that has both realms; the sample provider without it. */
  keycloak?: string | undefined;
  /** The ports of the seed where they are free. */
  usualPorts?: boolean;
  onLine?(service: string, line: string): void;
}>;

export type Zones = Readonly<{
  ports: Ports;
  /** Certificates and keys, laid out as in the seed. */
  certs: string;
  keycloak: string;
  stop(): Promise<void>;
  /** The same at once, for the end of this process. */
  abandon(): void;
}>;

const LONGEST_LOOK_MS = 10_000;

const makeCertificates = (folder: string): void => {
  const script = join(import.meta.dirname, 'generate-certs.sh');
  const { status, stderr, error } = spawnSync('bash', [script, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`There are no certificates. ${error?.message ?? stderr.trim()}`);
};

/** Rejects, with what to do, where the Keycloak is not there or has not both realms. */
const checkRealms = async (keycloak: string): Promise<void> => {
  for (const file of realmFiles) {
    const url = `${keycloak}/realms/${readRealm(file).realm}`;
    const status = await fetch(url, { signal: AbortSignal.timeout(LONGEST_LOOK_MS) }).then(
      (response) => response.status,
      (error: Error) => `no answer (${error.cause instanceof Error ? error.cause.message : error.message})`,
    );
    if (status !== 200) throw new Error(`${url}: ${status}. Start Keycloak with --import-realm and ${file}`);
  }
};

const at = (port: number) => `127.0.0.1:${port}`;

/** Rejects where anything does not start, with the reason; nothing is left then. */
export const startZones = async ({
  keycloak: given,
  usualPorts = false,
  onLine,
}: ZonesOptions = {}): Promise<Zones> => {
  if (given !== undefined) await checkRealms(given);
  await using starting = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-zones-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  starting.defer(removeFolder);
  const certs = join(folder, 'certs');
  makeCertificates(certs);
  const ports = await choosePorts(usualPorts);

  const keep = async <T extends Readonly<{ stop(): Promise<void> }>>(part: Promise<T>): Promise<T> => {
    const started = await part;
    starting.defer(started.stop);
    return started;
  };
  const keycloak = given ?? (await keep(startRealms(realmFiles.map(readRealm), ports.keycloak))).url;
  const [order, payment, data] = await Promise.all([
    keep(startOrderService({ egressUrl: `http://${at(ports.orderEgress)}` })),
    keep(startPaymentService({ egressUrl: `http://${at(ports.paymentEgress)}` })),
    keep(startDataService()),
  ]);

  const sidecar = (name: string, port: number, healthPort: number, env: Readonly<Record<string, string>>) =>
    keep(
      startSidecar({
        name,
        health: at(healthPort),
        directory: join(folder, name),
        onLine: (line) => onLine?.(name, line),
        env: { CERTS: certs, KEYCLOAK: keycloak, ISSUER: keycloak, LISTEN: at(port), HEALTH: at(healthPort), ...env },
      }),
    );
  const all = await Promise.allSettled([
    sidecar('gateway', ports.gateway, ports.gatewayHealth, {
      ORDER_SERVICE: at(ports.order),
      PAYMENT_SERVICE: at(ports.payment),
    }),
    sidecar('order-service', ports.order, ports.orderHealth, {
      UPSTREAM: at(order.port),
      EGRESS: at(ports.orderEgress),
      DATA_SERVICE: at(ports.data),
      ORDER_SERVICE_CLIENT_SECRET: secretOf('order-service'),
    }),
    sidecar('payment-service', ports.payment, ports.paymentHealth, {
      UPSTREAM: at(payment.port),
      EGRESS: at(ports.paymentEgress),
      DATA_SERVICE: at(ports.data),
      PAYMENT_SERVICE_CLIENT_SECRET: secretOf('payment-service'),
    }),
    sidecar('data-service', ports.data, ports.dataHealth, { UPSTREAM: at(data.port) }),
  ]);
  const sidecars = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failures = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw new Error(failures.map(String).join('\n'));

  const started = starting.move();
  const abandon = () => {
    for (const { kill } of sidecars) kill();
    removeFolder();
  };
  return { ports, certs, keycloak, stop: () => started.disposeAsync(), abandon };
};
