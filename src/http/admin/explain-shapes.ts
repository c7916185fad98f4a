/** What is asked and answered where a decision is explained. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { schemaNames } from './schema-names.ts';

const line = z.string().max(65_536);

/** RFC 9110 section 5.6.2. */
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not the name of a header');

const describedCertificate = z
  .strictObject({
    subject: line.optional().describe('As RFC 4514 writes names: `CN=orders,O=MyOrg`.'),
    uris: z.array(line).default([]),
    dns_names: z.array(line).default([]),
    fingerprint: z
      .string()
      .regex(/^[0-9A-Fa-f:]{64,95}$/, 'is not a SHA-256 in hexadecimal')
      .optional(),
    serial: line.optional(),
  })
  .describe('What the certificate says, where there is no file of it.');

export const explainQuestion = z
  .strictObject({
    url: line.describe('`https://shop.example.com/orders/1`, or a path, with `host` beside it.'),
    method: z.string().max(32).default('GET'),
    host: line.optional().describe('Instead of the host of `url`.'),
    headers: z
      .record(headerName, z.union([line, z.array(line).max(64)]))
      .default({})
      .describe('Of the request, credentials and all. They are verified, and shown nowhere.'),
    client_ip: z
      .string()
      .refine((text) => isIP(text) !== 0, 'is not an address')
      .optional(),
    certificate: z
      .union([line, describedCertificate])
      .optional()
      .describe('Of the client, taken for verified: PEM, or what it says.'),
    required_amount: line.optional().describe('What a trusted ingress says in `X-Required-Amount`.'),
    rule: line.optional().describe('The rule that the auth URL names. Left out: host, path and method choose.'),
    door: z
      .enum(['gate', 'proxy'])
      .optional()
      .describe('Whether a proxy asks, or Sallyport stands in the path. By default what the configuration has.'),
  })
  .register(schemaNames, { id: 'ExplainQuestion' });

export type ExplainQuestion = z.output<typeof explainQuestion>;

const step = z.object({
  step: z.string().describe('`request`, `rule`, `credential`, `identity`, a check, `headers`, `charge`, `result`, …'),
  says: z.string(),
  passed: z.boolean().describe('Whether the request went on from here.'),
});

export const explanation = z
  .object({
    allowed: z.boolean(),
    door: z.enum(['gate', 'proxy']),
    rule: z.string().nullable().describe('The rule, or the route of the proxy, that decides. null: there is none.'),
    request: z
      .object({ method: z.string(), scheme: z.string(), host: z.string(), path: z.string() })
      .nullable()
      .describe('In the form on which is decided. null: it can be read in more than one way.'),
    identity: z
      .object({
        method: z.string(),
        subject: z.string(),
        issuer: z.string().optional(),
        key_id: z.string().optional(),
        scopes: z.array(z.string()),
        roles: z.array(z.string()),
      })
      .nullable()
      .describe('Who is calling. null: that was not found out.'),
    steps: z.array(step),
    reasons: z.array(z.string()).describe('What policies say.'),
    audit: z.record(z.string(), z.unknown()).describe('What policies would have in the audit line.'),
    upstream_headers: z
      .record(z.string(), z.string())
      .describe('What the application is told. Empty values take a copy of the client’s away.'),
    removed_headers: z.array(z.string()).describe('Taken off the request.'),
    client_headers: z.record(z.string(), z.string()).describe('What the client is told.'),
    price: z
      .object({ amount: z.number(), unit: z.string(), mints: z.array(z.string()) })
      .nullable()
      .describe('What the request costs callers who pay for it. null: nothing.'),
    upstream: z.string().nullable().describe('Where the proxy would send the request.'),
    refusal: z
      .object({ status: z.number().int(), code: z.string(), title: z.string(), detail: z.string() })
      .nullable()
      .describe('Why the request would be refused. null: it would not.'),
  })
  .register(schemaNames, { id: 'Explanation' });

export type Explanation = z.output<typeof explanation>;
export type ExplainedStep = z.output<typeof step>;
