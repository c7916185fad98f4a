import { after } from 'node:test';
import { testSmuggling } from '../hardening/smuggling.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const { port, log } = await startSallyport({
  owner,
  config: `
egress:
  targets:
    keyed: { url: "${target.url}", allow_private: true, retry_count: 0, breaker: { enabled: false }, auth: { type: bearer, token: the-secret } }
  routes:
    - { path_prefix: /ext/keyed, target: keyed, strip_prefix: /ext/keyed }
`,
});

testSmuggling({ port, target, unroutable: 404, log });
