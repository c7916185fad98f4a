import { join } from 'node:path';
import { answers } from './probe.ts';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type NutshellOptions = ServerOptions &
  Readonly<{
    inputFeePpk?: number;
    /** Whether quotes count as paid at once. */
    paid?: boolean;
    /** Further settings, as in Nutshell's `.env.example`. */
    settings?: Readonly<Record<string, string>>;
  }>;

/** A real Nutshell mint with a fake Lightning wallet, keys and database of its own. Its keyset ids are of version 2. */
export async function startNutshell(options: NutshellOptions = {}): Promise<Server> {
  const { inputFeePpk = 0, paid = true, settings } = options;
  return startServer(options, {
    name: 'nutshell',
    launch: (directory, port) => ({
      command: locate('nutshell'),
      env: {
        HOME: directory,
        CASHU_DIR: join(directory, 'wallet'),
        MINT_DATABASE: join(directory, 'mint'),
        MINT_LISTEN_HOST: '127.0.0.1',
        MINT_LISTEN_PORT: String(port),
        MINT_PRIVATE_KEY: 'play money only',
        MINT_BACKEND_BOLT11_SAT: 'FakeWallet',
        MINT_INPUT_FEE_PPK: String(inputFeePpk),
        MINT_RATE_LIMIT: 'FALSE',
        FAKEWALLET_BRR: paid ? 'TRUE' : 'FALSE',
        FAKEWALLET_DELAY_INCOMING_PAYMENT: '0',
        FAKEWALLET_DELAY_OUTGOING_PAYMENT: '0',
        TOR: 'FALSE',
        DEBUG: 'FALSE',
        LOG_LEVEL: 'INFO',
        ...settings,
      },
      ready: () => answers(`http://127.0.0.1:${port}/v1/info`),
      readyMs: 60_000,
    }),
  });
}
