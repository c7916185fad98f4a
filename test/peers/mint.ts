import { createMint, type MintOptions, type PlayMint } from '../../examples/play-mint/mint.ts';
import { createRoutes, type RouteOptions } from '../../examples/play-mint/routes.ts';
import type { Owner } from '../servers/last-resort.ts';
import { type FaultTable, withFaults } from './faults.ts';
import { type Loopback, listen, type Respond } from './loopback.ts';

export type FaultyMint = Loopback &
  Readonly<{
    /** The rules themselves: rotate keysets, mark proofs pending, read the totals. */
    mint: PlayMint;
    /** Faults of its endpoints, and what they have seen. */
    faults: FaultTable;
    /** All that was ever spent there. Reconcile: `minted - fees` is unspent, or ours. */
    spentAmount(unit?: string): number;
    /** All that was ever signed there. */
    issuedAmount(unit?: string): number;
  }>;

/** A genuine mint that misbehaves when told to: the play mint, with faults on demand. */
export async function startMint({
  owner,
  cached,
  ...options
}: MintOptions & RouteOptions & { owner?: Owner } = {}): Promise<FaultyMint> {
  const mint = createMint(options);
  const routes = createRoutes(mint, cached === undefined ? {} : { cached });
  const answer: Respond = ({ method, url, body }) => ({
    ...routes({ method, url, body: body.toString() }),
    headers: { 'content-type': 'application/json' },
  });
  const { respond, faults } = withFaults(answer);
  const loopback = await listen(respond, owner);
  return {
    ...loopback,
    mint,
    faults,
    spentAmount: (unit) => mint.totals(unit).spent,
    issuedAmount: (unit) => mint.totals(unit).issued,
  };
}
