/**
 * `npm run example:zones`: gateway, order, payment and data services in three zones, a Sallyport beside each, until Ctrl-C.
 * `npm run example:zones -- --keycloak http://localhost:8080` takes a Keycloak that has the realms of `keycloak/`;
 * `--free-ports` leaves the seed's ports alone.
 */
import { parseArgs } from 'node:util';
import { linesFor, printed } from './lines.ts';
import { startZones, type Zones } from './zones.ts';

const read = () => {
  const { values } = parseArgs({
    options: { keycloak: { type: 'string' }, 'free-ports': { type: 'boolean', default: false } },
  });
  if (values.keycloak !== undefined && !/^https?:$/.test(URL.parse(values.keycloak)?.protocol ?? ''))
    throw new Error(`--keycloak ${values.keycloak}: not a URL such as http://localhost:8080`);
  return { keycloak: values.keycloak?.replace(/\/+$/, ''), usualPorts: !values['free-ports'] };
};

/** An audit line, and nothing else that a Sallyport writes. */
const isAudit = (line: string): boolean => line.startsWith('{') && line.includes('"event":"request"');

const showPlaces = ({ ports, keycloak, certs }: Zones): string =>
  [
    ['zone 1', 'gateway', `https://127.0.0.1:${ports.gateway}`],
    ['zone 2', 'order service', `https://127.0.0.1:${ports.order}, egress http://localhost:${ports.orderEgress}`],
    ['zone 2', 'payment service', `https://127.0.0.1:${ports.payment}, egress http://localhost:${ports.paymentEgress}`],
    ['zone 3', 'data service', `https://127.0.0.1:${ports.data}`],
    ['', 'identity provider', keycloak],
    ['', 'certificates', certs],
  ]
    .map(([zone = '', what = '', where = '']) => `  ${zone.padEnd(8)}${what.padEnd(20)}${where}`)
    .join('\n');

/** The listeners stay: npm passes its own copy of a Ctrl-C on, and that one must not end the cleaning up. */
const stop = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
});
let zones: Zones | undefined;
try {
  zones = await startZones({
    ...read(),
    onLine: (_service, line) => {
      if (isAudit(line)) console.log(line);
    },
  });
  process.once('exit', zones.abandon); // an error of our own
  console.log(`\n${showPlaces(zones)}\n\nIn another terminal:\n\n${printed(linesFor(zones))}`);
  console.log('Audit lines follow here: those of one request share their correlation_id.');
  console.log('Ctrl-C ends it and leaves nothing behind.\n');
  await stop;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await zones?.stop();
}
