/** `/api/customers`: which user is which customer at Stripe. */
import { z } from 'zod';
import { refuse } from '../../core/refusal.ts';
import type { CustomerStore } from '../../usage/billing/customer-store.ts';
import { customerId, showCustomer, shownCustomer } from './billing-shapes.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { wholeNumber } from './query.ts';

const DEFAULT_LIMIT = 100;
const LONGEST_USER = 512;

const page = z.strictObject({
  limit: wholeNumber(1_000).optional().describe('Most customers to answer with; 100 unless set.'),
  cursor: z.string().max(LONGEST_USER).optional().describe('`next_cursor` of the page before.'),
});

const noCustomer = refuse('not_found', 'The user is no customer.');
const badUser = refuse('bad_request', 'The user is not 1 to 512 characters of printable text.');

const isUser = (userId: string): boolean =>
  userId !== '' && userId.length <= LONGEST_USER && userId.isWellFormed() && !/\p{Cc}/u.test(userId);

const params = { user_id: 'As in its keys, or `sub` of its tokens.' };

export const createCustomerCalls = (store: CustomerStore, now: () => number): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/customers',
    operation: 'listCustomers',
    tag: 'Billing',
    summary: 'Users who are billed.',
    query: page,
    answers: [
      {
        status: 200,
        description: 'By user.',
        shape: z.object({ customers: z.array(shownCustomer), next_cursor: z.string().nullable() }),
      },
    ],
    async call({ query: { limit = DEFAULT_LIMIT, cursor = '' } }) {
      const customers = await store.list(cursor, limit);
      const next = customers.length === limit ? customers.at(-1)?.userId : undefined;
      return { status: 200, body: { customers: customers.map(showCustomer), next_cursor: next ?? null } };
    },
  }),
  endpoint({
    method: 'PUT',
    path: '/api/customers/:user_id',
    operation: 'putCustomer',
    tag: 'Billing',
    summary: 'Bill a user from here on. A key that names a customer is billed to that one.',
    params,
    body: z.strictObject({ customer_id: customerId.describe('The id of a customer at Stripe.') }),
    answers: [{ status: 200, description: 'The user is billed to this customer.', shape: shownCustomer }],
    async call({ param, body: { customer_id } }) {
      const userId = param('user_id');
      if (!isUser(userId)) return badUser;
      const customer = await store.put(userId, customer_id, now());
      return {
        status: 200,
        body: showCustomer(customer),
        change: { action: 'put_customer', user_id: userId, customer_id },
      };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/customers/:user_id',
    operation: 'getCustomer',
    tag: 'Billing',
    summary: 'Who a user is billed to.',
    params,
    answers: [{ status: 200, description: 'The customer.', shape: shownCustomer }],
    refusals: ['not_found'],
    async call({ param }) {
      const userId = param('user_id');
      const customer = isUser(userId) ? await store.find(userId) : undefined;
      return customer ? { status: 200, body: showCustomer(customer) } : noCustomer;
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/customers/:user_id',
    operation: 'removeCustomer',
    tag: 'Billing',
    summary: 'Bill a user no more from here on. What was used before is billed.',
    params,
    answers: [{ status: 204, description: 'The user is billed no more.' }],
    refusals: ['not_found'],
    async call({ param }) {
      const userId = param('user_id');
      if (!isUser(userId) || !(await store.remove(userId))) return noCustomer;
      return { status: 204, change: { action: 'remove_customer', user_id: userId } };
    },
  }),
];
