/** The same suite as for Nutshell, at a second implementation: `npm run test:mints`, for it takes minutes to build. */
import { startCdk } from '../servers/cdk.ts';
import { mintSuite } from './mint-suite.ts';

for (const keysetVersion of [1, 2] as const) {
  mintSuite({
    name: `cdk-mintd, keyset ids of version ${keysetVersion}`,
    program: 'cdk-mintd',
    keysetVersion,
    start: (options) => startCdk({ ...options, keysetVersion }),
    startWithNewKeys: (options) => startCdk({ ...options, keysetVersion: keysetVersion === 1 ? 2 : 1 }),
  });
}
