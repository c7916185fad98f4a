// node examples/play-mint/main.ts [PORT]: a mint of play money, until Ctrl-C.
import { start } from './server.ts';

const { url } = await start({ port: Number(process.argv[2] ?? 3338) });
console.log(`Play mint at ${url}: its money is free, and worth nothing.`);
