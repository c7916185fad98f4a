/** The lines that the example prints: the seed's own calls, and what must not work. They work as printed, as often as one likes. */
import { join } from 'node:path';
import type { Zones } from './zones.ts';

export type Line = Readonly<{
  shows: string;
  /** Of the answer; 0 where there is none, for the connection is refused. */
  status: number;
  command: string;
}>;

export type Printed = Readonly<{ signIn: readonly string[]; lines: readonly Line[] }>;

const token = `sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'`;

const signInOf = (keycloak: string, name: string): string =>
  [
    `${name.toUpperCase()}=$(curl -s -X POST "${keycloak}/realms/users/protocol/openid-connect/token"`,
    `-d "grant_type=password" -d "client_id=web-app" -d "username=${name}" -d "password=secret" | ${token})`,
  ].join(' ');

const json = '-H "Content-Type: application/json"';
const order = `-d '{"product_id": "PROD-123", "quantity": 2}'`;
const as = (name: string): string => `-H "Authorization: Bearer $${name}"`;

export const linesFor = ({ ports, certs, keycloak }: Pick<Zones, 'ports' | 'certs' | 'keycloak'>): Printed => {
  const tls = (host: string, port: number, zone: string): string =>
    `--cacert ${join(certs, `ca/${zone}-ca.crt`)} --resolve ${host}:${port}:127.0.0.1`;
  const gateway = `https://api-gateway.zone1.local:${ports.gateway}/api/v1`;
  const toGateway = tls('api-gateway.zone1.local', ports.gateway, 'zone1');
  const orderService = `https://order-service.zone2.local:${ports.order}`;
  const toOrderService = tls('order-service.zone2.local', ports.order, 'zone2');
  const orderEgress = `http://localhost:${ports.orderEgress}`;
  const paymentEgress = `http://localhost:${ports.paymentEgress}`;
  return {
    signIn: [signInOf(keycloak, 'john'), signInOf(keycloak, 'jane')],
    lines: [
      {
        shows: 'john orders: gateway, order service, data service, and back',
        status: 201,
        command: `curl -i -X POST ${gateway}/orders ${toGateway} ${as('JOHN')} ${json} -H "X-Correlation-ID: req-abc-123" ${order}`,
      },
      {
        shows: 'and sees his order',
        status: 200,
        command: `curl -i ${gateway}/orders/order-1 ${toGateway} ${as('JOHN')}`,
      },
      {
        shows: 'jane may not order: the policy of the order service wants orders:create',
        status: 403,
        command: `curl -i -X POST ${gateway}/orders ${toGateway} ${as('JANE')} ${json} ${order}`,
      },
      {
        shows: 'jane pays: gateway, payment service, data service, and back',
        status: 201,
        command: `curl -i -X POST ${gateway}/payments ${toGateway} ${as('JANE')} ${json} -d '{"order_id": "order-1", "amount": 100}'`,
      },
      {
        shows: 'without a token the gateway lets nobody in',
        status: 401,
        command: `curl -i ${gateway}/orders/order-1 ${toGateway}`,
      },
      {
        shows: 'the order service calls the data service: the Sallyport beside it adds JWT and certificate',
        status: 200,
        command: `curl -i ${orderEgress}/data/inventory/PROD-123 -H "X-User-Context: user-123" -H "X-Correlation-ID: req-abc"`,
      },
      {
        shows: 'the payment service may not write orders, with all its credentials',
        status: 403,
        command: `curl -i -X POST ${paymentEgress}/data/orders ${json} -H "X-User-Context: user-123" ${order}`,
      },
      {
        shows: "john's token, stolen: without the gateway's certificate nobody reaches the order service",
        status: 0,
        command: `curl -i ${orderService}/orders/order-1 ${toOrderService} ${as('JOHN')}`,
      },
      {
        shows: 'the same with that certificate',
        status: 200,
        command: `curl -i ${orderService}/orders/order-1 ${toOrderService} ${as('JOHN')} --cert ${certs}/gateway/client-zone2.crt --key ${certs}/gateway/client-zone2.key`,
      },
    ],
  };
};

const promised = ({ status }: Line): string => (status === 0 ? 'refused' : String(status));

export const printed = ({ signIn, lines }: Printed): string =>
  [
    '  # john may order, jane may pay',
    ...signIn.map((line) => `  ${line}`),
    '',
    ...lines.map((line) => `  # ${promised(line)}: ${line.shows}\n  ${line.command}\n`),
  ].join('\n');
