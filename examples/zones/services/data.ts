/** The data service of zone 3: stock, orders and payments, in memory. It believes the services of zone 2, which alone come in. */
import { failed, isAmount, isPlainId, type Routes, type Service, serve } from './json-service.ts';

const createRoutes = (): Routes => {
  const stock = new Map([
    ['PROD-123', 1000],
    ['PROD-456', 1],
  ]);
  const orders = new Map<string, Readonly<Record<string, unknown>>>();
  const payments = new Map<string, Readonly<Record<string, unknown>>>();
  return {
    'GET /inventory/:id'({ id }) {
      const available = stock.get(id);
      if (available === undefined) return failed(404, 'there is no such product');
      return { status: 200, body: { product_id: id, available } };
    },
    'POST /orders'({ body: { product_id, quantity, user_id } }) {
      if (!isPlainId(product_id) || !isAmount(quantity)) return failed(400, 'product_id and quantity are wanted');
      const available = stock.get(product_id) ?? 0;
      if (available < quantity) return failed(409, 'there is not so much of it');
      stock.set(product_id, available - quantity);
      const order = { id: `order-${orders.size + 1}`, user_id, product_id, quantity };
      orders.set(order.id, order);
      return { status: 201, body: order };
    },
    'GET /orders/:id'({ id }) {
      const order = orders.get(id);
      return order ? { status: 200, body: order } : failed(404, 'there is no such order');
    },
    'POST /payments'({ body: { order_id, amount, user_id } }) {
      if (!isPlainId(order_id) || !isAmount(amount)) return failed(400, 'order_id and amount are wanted');
      if (!orders.has(order_id)) return failed(404, 'there is no such order');
      const payment = { id: `payment-${payments.size + 1}`, user_id, order_id, amount };
      payments.set(payment.id, payment);
      return { status: 201, body: payment };
    },
  };
};

/** `port` 0 is any free one. */
export const startDataService = ({ port = 0 }: { port?: number } = {}): Promise<Service> => serve(createRoutes(), port);

if (import.meta.main) await startDataService({ port: Number(process.env['PORT'] ?? 3000) });
