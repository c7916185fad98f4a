import { z } from 'zod';
import { headerProblem } from '../header-names.ts';
import { textOf } from '../read/variable.ts';
import { certificateEntry } from './certificate.ts';
import { block, listOf } from './forms.ts';
import { leaf, Wrong } from './leaf.ts';
import { integer, toggle } from './numbers.ts';
import { free, price } from './payment.ts';
import { choice, hostPattern, method, name, text } from './texts.ts';

/** A header that carries identity to the service behind. Which ones nobody may set is in `header-names.ts`. */
export const identityHeader = text({
  label: 'header',
  expected: 'the name of a header the service behind may trust',
  placeholder: 'X-Placeholder',
  longest: 128,
  check: (written) => {
    const problem = headerProblem(written);
    return problem === undefined ? written : new Wrong(problem);
  },
});

export const claimPath = text({
  label: 'claim',
  expected: 'the path of a claim, such as sub or realm_access.roles',
  longest: 256,
});

export const injectClaims = z.record(claimPath, identityHeader);

type Scalar = string | number | boolean;
const isScalar = (raw: unknown): raw is Scalar => ['string', 'number', 'boolean'].includes(typeof raw);
const withoutVariables = (raw: readonly unknown[]): unknown[] => raw.map((item) => textOf(item) ?? item);
const scalarJson = { type: ['string', 'number', 'boolean'] };

const claimValue = leaf<Scalar | Scalar[]>({
  label: 'value | list',
  expected: 'a text, number or boolean, or a list of them',
  json: { anyOf: [scalarJson, { type: 'array', items: scalarJson, minItems: 1 }] },
  placeholder: 'placeholder',
  read: (raw) => {
    if (isScalar(raw)) return raw;
    const items = Array.isArray(raw) ? withoutVariables(raw) : [];
    return items.length > 0 && items.every(isScalar) ? items : undefined;
  },
});

export const limits = block({
  per_second: integer().optional().describe('Requests in any one second.'),
  per_minute: integer().optional().describe('Requests in any one minute.'),
  per_hour: integer().optional().describe('Requests in any one hour.'),
  per_day: integer().optional().describe('Requests in any one day.'),
});

const match = block({
  host: hostPattern
    .optional()
    .describe('`api.example.com`, or `*.example.com` for every host below it. Every host by default.'),
  path: text({
    label: 'path pattern',
    expected: 'a path pattern that begins with "/", such as /orders/**',
    pattern: /\/[^?#\s]*/,
    placeholder: '/placeholder',
  })
    .optional()
    .describe('`*` is one segment, `**` any number. Every path by default.'),
  methods: listOf(method, { least: 1 }).optional().describe('Every method by default.'),
});

const requirements = block({
  issuer: listOf(name).prefault([]).describe('Names of the issuers a JWT may come from. Any by default.'),
  scopes: listOf(text()).prefault([]).describe('Scopes the caller must all have.'),
  roles: listOf(text()).prefault([]).describe('Roles the caller must all have.'),
  claims: z
    .record(claimPath, claimValue)
    .prefault({})
    .describe('Claims and the value, or the list of values, one of which each must have.'),
  certificates: listOf(certificateEntry, { least: 1 })
    .optional()
    .describe(
      'Client certificates, one of which must be on the other end besides the credential: subjects (`CN=orders,O=Example`, all of whose attributes must be the same), `uri:…`, `dns:…` or `sha256:…`. Callers without a name are asked too.',
    ),
});

const headers = block({
  inject_claims: injectClaims.prefault({}).describe('Claims that become headers for the service behind.'),
  inject_user_id: identityHeader.optional().describe('Header that gets the id of the caller, however it was proven.'),
  pass_token: toggle.prefault(false).describe('Whether the service behind gets the credential too.'),
  extract: listOf(text())
    .prefault([])
    .describe(
      'Request headers that the policy sees as `input.headers`, spelt as here. None that carries a credential.',
    ),
});

export const rule = block({
  name: name.describe('Unique. Shown in logs, metrics and `sallyport explain`.'),
  match: match
    .prefault({})
    .describe('Which requests the rule is for. Left out: those whose auth URL names it (`?rule=NAME`), and no others.'),
  accept: listOf(choice(['api_key', 'jwt', 'cashu', 'certificate', 'anonymous']), { least: 1 }).describe(
    'Which credentials are accepted.',
  ),
  require: requirements
    .prefault({})
    .describe('What an accepted API key, JWT or certificate must say. Payers are not asked.'),
  limits: limits.optional().describe('Most requests of one caller on this rule, in every window at once.'),
  headers: headers.prefault({}).describe('What the service behind is told.'),
  price: price.optional(),
  free: free.optional(),
  provision: name
    .optional()
    .describe(
      'Template of `pods` that a payment starts; `none` for no pod. Left out: `default`, where `pods` is on, no rule names a template, and the price does not sell requests or units.',
    ),
  policy: text().optional().describe('Policy query that must allow the request, such as `data.orders.allow`.'),
});
