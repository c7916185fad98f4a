/** The payment service of zone 2: a payment is for an order, which the data service has. */
import { createDataClient } from './data-client.ts';
import { failed, isAmount, isPlainId, type Routes, type Service, serve } from './json-service.ts';

const routesOf = (egressUrl: string): Routes => {
  const data = createDataClient(egressUrl);
  return {
    async 'POST /payments'(call) {
      const { order_id, amount } = call.body;
      if (!isPlainId(order_id) || !isAmount(amount)) return failed(400, 'order_id and amount are wanted');
      const order = await data.get(`/orders/${order_id}`, call);
      return order.status === 200 ? data.post('/payments', { order_id, amount, user_id: call.user }, call) : order;
    },
    'GET /orders/:id': (call) => data.get(`/orders/${call.id}`, call),
  };
};

/** `port` 0 is any free one. */
export const startPaymentService = ({ port = 0, egressUrl }: { port?: number; egressUrl: string }): Promise<Service> =>
  serve(routesOf(egressUrl), port);

if (import.meta.main) {
  const { PORT = '3000', EGRESS_URL = 'http://localhost:8080' } = process.env;
  await startPaymentService({ port: Number(PORT), egressUrl: EGRESS_URL });
}
