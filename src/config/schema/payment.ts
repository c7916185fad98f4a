import { z } from 'zod';
import { block, listOf, withShort } from './forms.ts';
import { orVariable } from './leaf.ts';
import { url } from './network.ts';
import { duration, integer, toggle } from './numbers.ts';
import { secret } from './secret.ts';
import { choice, filePath, text } from './texts.ts';

const importedForm = withShort(
  { label: 'prefix', json: orVariable({ type: 'string' }), expand: (raw) => ({ prefix: raw }) },
  block({
    prefix: text({
      label: 'text',
      expected: '1 to 32 letters, digits, "-" or "_"',
      pattern: /[A-Za-z0-9_-]{1,32}/,
      placeholder: 'old_',
    })
      .optional()
      .describe('How they begin. Keys without one are taken in `X-API-Key` alone, and need a `length`.'),
    length: integer({ most: 512 }).optional().describe('How many characters they have.'),
  }),
);

export const apiKeys = block({
  prefix: text({
    label: 'text',
    expected: '1 to 16 letters, digits, "-" or "_"',
    pattern: /[A-Za-z0-9_-]{1,16}/,
    placeholder: 'sk-',
  })
    .prefault('sk-')
    .describe('How keys begin. Not `eyJ` or `cashu`: those are how tokens begin.'),
  rate_limit_per_minute: integer()
    .prefault(1000)
    .describe('Requests a minute, for new keys that ask for nothing else.'),
  rate_limit_per_day: integer().prefault(100_000).describe('Requests a day, for new keys that ask for nothing else.'),
  imported: z
    .array(importedForm)
    .prefault([])
    .describe('Forms of keys that were made elsewhere and imported by their hashes. Each needs a prefix or a length.'),
  cache_max_age: duration({ least: 0, most: 10_000 })
    .prefault('10s')
    .describe('How long a revoked key may still pass, up to 10s.'),
  cache_size: integer({ most: 10_000_000 }).prefault(100_000).describe('Keys remembered by each process.'),
  debit_once_within: duration({ least: 0, most: 300_000 })
    .prefault('0s')
    .describe(
      'A question that the proxy asks again within this time, with the same `X-Request-ID`, takes one credit of a key. Only where the proxy makes that id itself: clients who can choose it would have many requests for one credit.',
    ),
}).describe('API keys.');

const unit = text({
  label: 'unit',
  expected: 'a Cashu unit such as sat, msat or usd',
  pattern: /[a-z][a-z0-9]{0,15}/,
  placeholder: 'sat',
});

/** One spelling for one mint: wallets and people differ over the last slash and the case of the host. */
const normaliseMint = (written: string): string =>
  written === '*' ? written : new URL(written).href.replace(/\/+$/, '');

const payoutKeys = {
  to: text({
    label: 'Lightning address',
    expected: 'name@host in small letters (LUD-16)',
    pattern: /[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(:\d{1,5})?/,
    placeholder: 'me@pay.example',
  })
    .optional()
    .describe('Who is paid.'),
  folder: filePath
    .optional()
    .describe('Where tokens are written to, in place of `to`: one file each, for the service’s user alone.'),
  above: integer().describe('Nothing is paid out of a mint until more than this is held there.'),
  keep: integer({ least: 0 }).prefault(0).describe('How much stays there.'),
  unit: unit.prefault('sat').describe('`sat` or `msat` to an address, any unit to a folder.'),
  every: duration({ least: 60_000 }).prefault('1h').describe('How often it is looked.'),
};

const payout = block(payoutKeys).describe(
  'Pays what is held at each mint to a Lightning address by itself, or puts it into a folder. Off unless set; a mint may have settings of its own.',
);

const likeCommon = 'As under `cashu.payout` unless set.';

const ownPayout = withShort(
  {
    label: 'false',
    is: (raw) => raw === false,
    json: orVariable({ type: 'boolean', const: false }),
    expand: () => ({ enabled: false }),
  },
  block({
    enabled: toggle.prefault(true).describe('Whether anything is paid out of this mint by itself.'),
    to: payoutKeys.to.describe('Who is paid. As under `cashu.payout` unless this or `folder` is set.'),
    folder: payoutKeys.folder.describe(
      'Where tokens are written to, in place of `to`. As under `cashu.payout` unless this or `to` is set.',
    ),
    above: integer().optional().describe(`Nothing is paid out until more than this is held. ${likeCommon}`),
    keep: integer({ least: 0 }).optional().describe(`How much stays. ${likeCommon}`),
    unit: unit.optional().describe(`One of the mint’s units. ${likeCommon}`),
    every: duration({ least: 60_000 }).optional().describe(`How often it is looked. ${likeCommon}`),
  }),
).describe(
  'What is paid out of this mint by itself, where that differs from `cashu.payout`. `false`: nothing. `*` speaks for the mints that are not named.',
);

const mint = withShort(
  { label: 'URL', json: orVariable({ type: 'string' }), expand: (raw) => ({ url: raw }) },
  block({
    url: url({ bare: true, also: '*', expected: 'the URL of a mint' }).describe(
      'Base URL. `*` accepts every mint and needs `--insecure-any-mint`.',
    ),
    units: listOf(unit, { least: 1 }).prefault(['sat']).describe('Units accepted from this mint.'),
    payout: ownPayout.optional(),
  }).transform((settings) => ({ ...settings, url: normaliseMint(settings.url) })),
);

const acceptedMint = url({ bare: true, expected: 'the URL of a mint' });

const exposure = block({
  mint: acceptedMint.describe('One of the mints under `cashu.mints`.'),
  unit: unit.prefault('sat').describe('Unit of the amount.'),
  amount: integer().describe(
    'Most that may be accepted from the mint and not be swapped yet. What it refuses to swap counts.',
  ),
}).transform((settings) => ({ ...settings, mint: normaliseMint(settings.mint) }));

const acceptOffline = block({
  max_unsettled: listOf(exposure, { least: 1 }).describe(
    'From which mints, and how much. The whole amount is lost where such a mint turns out to be false.',
  ),
  settle_every: duration({ least: 1_000, most: 86_400_000 })
    .prefault('10s')
    .describe('How long accepted tokens wait for others, to be swapped with them.'),
  settle_within: duration({ least: 600_000 })
    .prefault('1d')
    .describe('Mints may be out of reach for so long. A token whose lock ends sooner is swapped at once.'),
}).describe(
  'Locked tokens with DLEQ proofs (NUT-12) are accepted without asking their mint, and swapped later, many at once.',
);

const lock = block({
  private_key: secret.describe(
    'The key that 402s ask payers to lock their tokens to (NUT-11): 32 random bytes in hex (`openssl rand -hex 32`). Whoever has it can spend tokens that are on their way to us. All replicas have the same one.',
  ),
  required: toggle.prefault(false).describe('No token is taken that is not locked to the key.'),
  accept_offline: acceptOffline.optional(),
}).describe('Tokens that nobody can spend but us.');

const refunds = withShort(
  {
    label: 'true',
    is: (raw) => raw === true,
    json: orVariable({ type: 'boolean', const: true }),
    expand: () => ({}),
  },
  block({
    least: integer().prefault(1).describe('Less than this is not given back, in the unit of the account.'),
    shown_for: duration({ least: 60_000 }).prefault('7d').describe('How long the same token is shown again.'),
  }),
).describe(
  'Gives what is left of an account back as a token: `POST /.sallyport/refund`. `true` does so by the defaults. Off unless set.',
);

export const cashu = block({
  mints: listOf(mint).prefault([]).describe('Mints whose tokens are accepted. No other mint is ever asked.'),
  default_amount: integer().optional().describe('Price in sat of a rule that accepts cashu and names no price.'),
  request_format: choice(['creqA', 'creqB', 'both'])
    .prefault('creqA')
    .describe(
      'How a 402 writes its payment request: `creqA` (NUT-18), `creqB` (NUT-26), or `creqA` with the other beside it in the JSON.',
    ),
  max_proofs: integer({ most: 10_000 }).prefault(128).describe('Most proofs in one token.'),
  request_timeout: duration({ most: 300_000 }).prefault('10s').describe('How long a mint may take to answer.'),
  session_lifetime: duration({ least: 60_000 })
    .prefault('30d')
    .describe('How long a session opens what was paid for, without the token. The token opens it for ever.'),
  refunds: refunds.optional(),
  payout: payout.optional(),
  debit_once_within: duration({ least: 0, most: 300_000 })
    .prefault('0s')
    .describe(
      'A question that the proxy asks again within this time, with the same `X-Request-ID`, is paid once. Only where the proxy makes that id itself: clients who can choose it would pay once for many requests.',
    ),
  encryption_key: secret
    .optional()
    .describe(
      'Seals tokens, our outputs and the mint’s signatures in the database: at least 32 random bytes in base64 or hex (`openssl rand -base64 32`). Without it they can be spent by whoever reads a copy of the database. PostgreSQL needs it, or `--insecure-ledger`.',
    ),
  former_encryption_keys: listOf(secret)
    .prefault([])
    .describe(
      'Keys that open what they sealed and seal nothing more. Keep a former key here until `sallyport wallet reseal` has said that it can go.',
    ),
  lock: lock.optional(),
}).describe('Payments in Cashu ecash.');

const MOST_UNITS = 1_000_000_000_000;

const offer = withShort(
  { label: 'number of sat', json: orVariable({ type: 'integer', minimum: 1 }), expand: (raw) => ({ amount: raw }) },
  block({
    amount: integer().describe('How much one payment is, in `unit`.'),
    unit: unit.prefault('sat').describe('Unit of the amount.'),
    mints: listOf(acceptedMint)
      .prefault([])
      .describe('Which of the mints under `cashu.mints` the price is for. Every one that takes the unit by default.'),
    buys: block({
      requests: integer().optional().describe('Number of requests.'),
      time: duration({ least: 1000 }).optional().describe('Time in which requests are free.'),
      units: integer({ most: MOST_UNITS })
        .optional()
        .describe('Units that the service behind counts, and reports after each request.'),
      reserve: integer({ most: MOST_UNITS })
        .optional()
        .describe('With `units`: how many each request sets aside until they are reported. 1 by default.'),
      report_within: duration({ least: 1000 })
        .optional()
        .describe('With `units`: how long it sets them aside at most. `10m` by default.'),
    })
      .optional()
      .describe(
        'What one payment buys: exactly one of `requests`, `time`, `units`. Left out: one request, or `pods.ttl` where the rule starts pods.',
      ),
  }).transform((settings) => ({ ...settings, mints: settings.mints.map(normaliseMint) })),
);

export const free = block({
  requests: integer().describe('Number of requests.'),
  per: duration({ least: 1000, most: 31 * 86_400_000 }).describe('In any stretch of this length.'),
}).describe('Requests that a caller without a credential has for nothing, by address, before the price is asked.');

const isSingle = (raw: unknown): boolean => raw !== undefined && !Array.isArray(raw);

export const price = withShort(
  { label: 'price', is: isSingle, expand: (raw) => [raw] },
  z.array(offer).min(1),
).describe(
  'What a request costs whoever pays with cashu. `price: 1000` is 1000 sat for one request. A list is a choice of prices, one for each unit and mint; the first is the one that `X-Cashu` asks for.',
);
