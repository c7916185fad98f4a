/** The order service of zone 2. It trusts the headers that its Sallyport sets, and keeps nothing itself. */
import { createDataClient } from './data-client.ts';
import { failed, isAmount, isPlainId, type Routes, type Service, serve } from './json-service.ts';

type Stock = Readonly<{ available: number }>;
type Order = Readonly<{ user_id: string }>;

const routesOf = (egressUrl: string): Routes => {
  const data = createDataClient(egressUrl);
  return {
    async 'POST /orders'(call) {
      const { product_id, quantity } = call.body;
      if (!isPlainId(product_id) || !isAmount(quantity)) return failed(400, 'product_id and quantity are wanted');
      const stock = await data.get(`/inventory/${product_id}`, call);
      if (stock.status !== 200) return stock;
      if ((stock.body as Stock).available < quantity) return failed(409, 'there is not so much of it');
      return data.post('/orders', { product_id, quantity, user_id: call.user }, call);
    },
    async 'GET /orders/:id'(call) {
      const order = await data.get(`/orders/${call.id}`, call);
      if (order.status !== 200) return order;
      return (order.body as Order).user_id === call.user ? order : failed(404, 'there is no such order');
    },
  };
};

/** `port` 0 is any free one. */
export const startOrderService = ({ port = 0, egressUrl }: { port?: number; egressUrl: string }): Promise<Service> =>
  serve(routesOf(egressUrl), port);

if (import.meta.main) {
  const { PORT = '3000', EGRESS_URL = 'http://localhost:8080' } = process.env;
  await startOrderService({ port: Number(PORT), egressUrl: EGRESS_URL });
}
