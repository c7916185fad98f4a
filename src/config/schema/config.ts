import { z } from 'zod';
import { egress } from './egress.ts';
import { block, listOf } from './forms.ts';
import { admin, endpoints, forwardedCertificates, http, logger } from './http.ts';
import { jwt } from './jwt.ts';
import { network } from './network.ts';
import { integer } from './numbers.ts';
import { apiKeys, cashu } from './payment.ts';
import { policy, proxy } from './proxy.ts';
import { resolver } from './resolver.ts';
import { rule } from './rules.ts';
import { billing, grpc, pods, usage } from './services.ts';
import { redis, store } from './stores.ts';
import { vault } from './vault.ts';

/** The whole file. The order is the order of the documents. */
export const configSchema = block({
  http: http.prefault({}),
  admin: admin.optional(),
  endpoints: endpoints.prefault({}),
  logger: logger.prefault({}),
  trusted_proxies: listOf(network)
    .prefault(['127.0.0.0/8', '::1/128'])
    .describe('Proxies whose forwarded headers count: ranges or single addresses.'),
  forwarded_certificates: forwardedCertificates.optional(),
  workers: integer({ most: 1024 }).prefault(1).describe('Processes that answer.'),
  store: store.prefault('sqlite:data/sallyport.db'),
  redis: redis.optional(),
  jwt: jwt.prefault({}),
  api_keys: apiKeys.prefault({}),
  cashu: cashu.prefault({}),
  rules: z
    .array(rule)
    .prefault([])
    .describe('What each set of routes demands. A request that no rule matches is refused.'),
  proxy: proxy.optional(),
  policy: policy.optional(),
  egress: egress.optional(),
  resolver: resolver.optional(),
  vault: vault.optional(),
  grpc: grpc.optional(),
  pods: pods.optional(),
  usage: usage.optional(),
  billing: billing.optional(),
});

export type Parsed = z.output<typeof configSchema>;
