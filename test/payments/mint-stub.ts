/** A mint as the paywall sees it, without a network: every call that a test has not allowed fails it. */
import type { Keyset, Mint } from '../../src/paywall/mint.ts';

const unexpected = (call: string) => async () => {
  throw new Error(`${call} was not to be called`);
};

export const stubMint = (parts: Partial<Mint> & { list?: readonly Keyset[] } = {}): Mint => {
  const { list = [], ...rest } = parts;
  return {
    url: 'https://mint.example',
    units: ['sat'],
    keysets: () => list,
    refreshKeysets: unexpected('refreshKeysets'),
    activeKeys: unexpected('activeKeys'),
    keys: unexpected('keys'),
    swap: unexpected('swap'),
    states: unexpected('states'),
    restore: unexpected('restore'),
    ...rest,
  };
};
