// node examples/paywall/token.ts AMOUNT [MINT]: a token of play money, as a wallet would make it.
import { createPayer } from '../play-mint/payer.ts';

const [amount, mint = 'http://127.0.0.1:3338'] = process.argv.slice(2);
console.log(await createPayer(mint).token(Number(amount)));
