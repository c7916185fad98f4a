import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from './probe.ts';
import { locate } from './programs.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

export type CdkOptions = ServerOptions &
  Readonly<{
    inputFeePpk?: number;
    /** Of keyset ids (NUT-02). A mint that is started again with the other one signs with new keys. */
    keysetVersion?: 1 | 2;
  }>;

const documentOf = (port: number, { inputFeePpk = 0, keysetVersion = 2 }: CdkOptions): string => `
[info]
url = "http://127.0.0.1:${port}/"
listen_host = "127.0.0.1"
listen_port = ${port}
mnemonic = "env:CDK_MINTD_MNEMONIC"
input_fee_ppk = ${inputFeePpk}
use_keyset_v2 = ${keysetVersion === 2}
[info.logging]
output = "stderr"
console_level = "info"
[mint_info]
name = "play money only"
[database]
engine = "sqlite"
[payment_backend]
backend = "fakewallet"
unit = "sat"
[fake_wallet]
fee_percent = 0.0
reserve_fee_min = 0
custom_payment_methods = []
min_delay_time = 0
max_delay_time = 0
`;

/** A real cdk-mintd with a fake Lightning wallet, and keys and database of its own. */
export async function startCdk(options: CdkOptions = {}): Promise<Server> {
  return startServer(options, {
    name: 'cdk-mintd',
    launch: (directory, port) => {
      const command = locate('cdk-mintd');
      const env = { HOME: directory, CDK_MINTD_MNEMONIC: `${'abandon '.repeat(11)}about` };
      const file = join(directory, 'cdk.toml');
      const first = existsSync(file) ? ['apply'] : ['init', '--new-mint'];
      writeFileSync(file, documentOf(port, options));
      execFileSync(command, ['--work-dir', directory, 'config', ...first, '--file', file], {
        env: { ...process.env, ...env },
        stdio: 'pipe',
        timeout: 30_000,
      });
      return {
        command,
        args: ['--work-dir', directory, '--enable-logging'],
        env,
        ready: () => answers(`http://127.0.0.1:${port}/v1/info`),
        readyMs: 60_000,
      };
    },
  });
}
