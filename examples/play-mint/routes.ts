import { ZodError, type ZodType } from 'zod';
import { MintError } from './errors.ts';
import type { Keyset } from './keyset.ts';
import type { PlayMint } from './mint.ts';
import { bodies } from './wire.ts';

export type Asked = Readonly<{ method: string; url: string; body: string }>;
export type Answer = Readonly<{ status: number; body: string }>;

export type RouteOptions = Readonly<{
  /**
   * NUT-19: the very same swap or mint request again gets its first answer again, for ever. Without it, as with a bare
   * Nutshell, the repeated swap is refused: its proofs are spent.
   */
  cached?: boolean;
}>;

type Handler = (body: unknown, parameter: string) => unknown;

const cachedPaths = ['/v1/swap', '/v1/mint/bolt11'];

const info = (mint: PlayMint, cached: boolean) => {
  const units = [...new Set(mint.keysets().map(({ keyset }) => keyset.unit))];
  return {
    name: 'Play mint',
    description: 'Play money: every quote counts as paid, and nothing here is worth anything.',
    nuts: {
      4: { methods: units.map((unit) => ({ method: 'bolt11', unit })), disabled: false },
      5: { methods: units.map((unit) => ({ method: 'bolt11', unit })), disabled: false },
      ...Object.fromEntries([7, 8, 9, 10, 11, 12, 14].map((nut) => [nut, { supported: true }])),
      ...(cached && { 19: { ttl: null, cached_endpoints: cachedPaths.map((path) => ({ method: 'POST', path })) } }),
    },
  };
};

const described = ({ keyset, active }: { keyset: Keyset; active: boolean }) => ({
  id: keyset.id,
  unit: keyset.unit,
  active,
  input_fee_ppk: keyset.inputFeePpk,
  ...(keyset.finalExpiry !== undefined && { final_expiry: keyset.finalExpiry }),
});

const withKeys = (entry: { keyset: Keyset; active: boolean }) => ({
  ...described(entry),
  keys: entry.keyset.publicKeys,
});

/** The handlers by method and path; one that is given the body it expects, checked. */
function handlers(mint: PlayMint, cached: boolean): Readonly<Record<string, Handler>> {
  const posting =
    <T>(schema: ZodType<T>, answer: (body: T) => unknown): Handler =>
    (body) =>
      answer(schema.parse(body));
  return {
    'GET /v1/info': () => info(mint, cached),
    'GET /v1/keys': () => ({
      keysets: mint
        .keysets()
        .filter(({ active }) => active)
        .map(withKeys),
    }),
    'GET /v1/keys/…': (_, id) => {
      const found = mint.keysets().filter(({ keyset }) => keyset.id === id);
      if (found.length === 0) throw new MintError('keysetUnknown', `keyset not found: ${id}`);
      return { keysets: found.map(withKeys) };
    },
    'GET /v1/keysets': () => ({ keysets: mint.keysets().map(described) }),
    'POST /v1/mint/quote/bolt11': posting(bodies.quote, ({ amount, unit }) => mint.createQuote(amount, unit)),
    'GET /v1/mint/quote/bolt11/…': (_, id) => mint.quote(id),
    'POST /v1/mint/bolt11': posting(bodies.mint, ({ quote, outputs }) => ({ signatures: mint.mint(quote, outputs) })),
    'POST /v1/melt/quote/bolt11': posting(bodies.meltQuote, ({ request, unit }) => mint.createMeltQuote(request, unit)),
    'GET /v1/melt/quote/bolt11/…': (_, id) => mint.meltQuote(id),
    'POST /v1/melt/bolt11': posting(bodies.melt, ({ quote, inputs, outputs }) =>
      mint.melt(quote, inputs, outputs ?? []),
    ),
    'POST /v1/swap': posting(bodies.swap, ({ inputs, outputs }) => ({ signatures: mint.swap(inputs, outputs) })),
    'POST /v1/checkstate': posting(bodies.checkstate, ({ Ys }) => ({ states: mint.states(Ys) })),
    'POST /v1/restore': posting(bodies.restore, ({ outputs }) => mint.restore(outputs)),
  };
}

const reply = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });

/** A refusal is 400 with `{ detail, code }` (NUT-00); a body that is no request at all is 422 without a code, as Nutshell says it. */
function refusal(error: unknown): Answer {
  if (error instanceof MintError) return reply(400, { detail: error.message, code: error.code });
  if (error instanceof ZodError || error instanceof SyntaxError) return reply(422, { detail: error.message });
  throw error;
}

/** The HTTP side of a mint, without the sockets: what it answers to what it is asked. */
export function createRoutes(mint: PlayMint, { cached = false }: RouteOptions = {}): (asked: Asked) => Answer {
  const table = handlers(mint, cached);
  const remembered = new Map<string, Answer>();
  return ({ method, url, body }) => {
    const [path = ''] = url.split('?');
    const [, folder, parameter = ''] = /^(\/v1\/keys|\/v1\/(?:mint|melt)\/quote\/bolt11)\/([\w-]+)$/.exec(path) ?? [];
    const handler = table[`${method} ${folder === undefined ? path : `${folder}/…`}`];
    if (handler === undefined) return reply(404, { detail: 'Not Found' });
    const key = `${path}\n${body}`;
    const before = remembered.get(key);
    if (before) return before;
    try {
      const answer = reply(200, handler(method === 'POST' ? JSON.parse(body) : undefined, parameter));
      if (cached && cachedPaths.includes(path)) remembered.set(key, answer);
      return answer;
    } catch (error) {
      return refusal(error);
    }
  };
}
