// node examples/sample-issuer/main.ts [PORT]: signs whatever JWT it is asked for, until Ctrl-C.
import { start } from './server.ts';

const { url } = await start({ port: Number(process.argv[2] ?? 9000) });
console.log(`Sample issuer at ${url}; for a token: curl -d sub=alice -d roles=admin ${url}/token`);
