/** The ports that everything listens on, all of them on loopback. */
import { createServer } from 'node:net';
import { freePorts } from '../../test/servers/free-port.ts';

export type Ports = Readonly<{
  gateway: number;
  order: number;
  payment: number;
  data: number;
  orderEgress: number;
  paymentEgress: number;
  orderHealth: number;
  paymentHealth: number;
  gatewayHealth: number;
  dataHealth: number;
  keycloak: number;
}>;

/** The seed's own, for the two that its curl lines name. */
const usual = { gateway: 8443, orderEgress: 8080 } as const;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The usual ports where they are free, or are not wanted, and free ones otherwise. */
export const choosePorts = async (wantsUsual: boolean): Promise<Ports> => {
  const [
    gateway = 0,
    order = 0,
    payment = 0,
    data = 0,
    orderEgress = 0,
    paymentEgress = 0,
    orderHealth = 0,
    paymentHealth = 0,
    gatewayHealth = 0,
    dataHealth = 0,
    keycloak = 0,
  ] = await freePorts(11);
  const health = { orderHealth, paymentHealth, gatewayHealth, dataHealth };
  return {
    ...{ order, payment, data, paymentEgress, keycloak, ...health },
    gateway: wantsUsual && (await isFree(usual.gateway)) ? usual.gateway : gateway,
    orderEgress: wantsUsual && (await isFree(usual.orderEgress)) ? usual.orderEgress : orderEgress,
  };
};
