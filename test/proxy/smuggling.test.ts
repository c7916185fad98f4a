import { after } from 'node:test';
import { testSmuggling } from '../hardening/smuggling.ts';
import { startRecordingTarget } from '../peers/recording-target.ts';
import { startSallyport } from '../sallyport.ts';

const owner = { after };
const target = await startRecordingTarget({ owner });
const { port, log } = await startSallyport({
  owner,
  config: `
proxy:
  upstream: "${target.url}"
  auth: { enabled: false }
  routes: [{ path: "/ext/keyed/**", strip_prefix: /ext/keyed }]
`,
});

testSmuggling({ port, target, unroutable: 400, log });
