import { LRUCache } from 'lru-cache';
import type { Mint } from '../../paywall/mint.ts';
import { createHttpMint, type HttpMint, type HttpMintOptions } from './http-mint.ts';

export type MintDirectory = Readonly<{
  /** The mint at a normalised URL, if it is accepted. */
  find(url: string): Mint | undefined;
  /** The ones that the configuration names. */
  named: readonly HttpMint[];
  start(): Promise<void>;
  close(): void;
}>;

export type MintDirectoryOptions = Omit<HttpMintOptions, 'url' | 'units'> &
  Readonly<{
    mints: readonly Readonly<{ url: string; units: readonly string[] }>[];
    /** Units of every other mint; undefined where no other is accepted, which is the rule. */
    anyMint: readonly string[] | undefined;
  }>;

const MOST_UNNAMED = 100;

export const createMintDirectory = ({ mints, anyMint, ...shared }: MintDirectoryOptions): MintDirectory => {
  const named = mints.map(({ url, units }) => createHttpMint({ ...shared, url, units }));
  const byUrl = new Map(named.map((mint) => [mint.url, mint]));
  const unnamed = new LRUCache<string, HttpMint>({ max: MOST_UNNAMED });

  const meet = (url: string, units: readonly string[]): HttpMint => {
    const met = unnamed.get(url) ?? createHttpMint({ ...shared, url, units });
    unnamed.set(url, met);
    return met;
  };

  return {
    find: (url) => byUrl.get(url) ?? (anyMint && /^https?:/.test(url) ? meet(url, anyMint) : undefined),
    named,

    async start() {
      await Promise.all(named.map((mint) => mint.start()));
    },

    close() {
      for (const mint of named) mint.close();
    },
  };
};
