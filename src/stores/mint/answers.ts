/** What mints answer, checked before anything believes it. */
import { Keyset as CashuKeyset } from '@cashu/cashu-ts';
import { z } from 'zod';
import type { BlindedMessage, BlindSignature, Keyset, ProofState, SwapOutcome } from '../../paywall/mint.ts';
import type { ExchangeResult } from '../outbound/exchange.ts';

const hexId = z.string().regex(/^[0-9a-f]{16}(?:[0-9a-f]{50})?$/);
const point = z.string().regex(/^0[23][0-9a-f]{64}$/);
const amount = z.number().int().positive();

/** What the id of a keyset speaks for besides its keys. */
const terms = {
  unit: z.string(),
  input_fee_ppk: z.number().int().nonnegative().max(1_000_000).nullish(),
  final_expiry: z.number().int().nonnegative().nullish(),
};

const keysets = z.object({
  keysets: z.array(z.object({ id: z.string(), active: z.boolean(), ...terms })).max(1_000),
});

const keys = z.object({
  keysets: z.array(z.object({ id: hexId, ...terms, keys: z.record(z.string().regex(/^\d{1,20}$/), point) })).max(1_000),
});

export const signatures = z.array(
  z.object({
    amount,
    id: z.string(),
    C_: point,
    dleq: z.object({ e: z.string().max(64), s: z.string().max(64) }).nullish(),
  }),
);

const swapped = z.object({ signatures });
const states = z.object({
  states: z.array(z.object({ Y: z.string(), state: z.enum(['UNSPENT', 'PENDING', 'SPENT']) })),
});
export const restored = z.object({
  outputs: z.array(z.object({ amount: z.number().int().nonnegative(), id: z.string(), B_: z.string() })),
  signatures,
});
/** The mint's own error body (NUT-00), or the one of its framework for a request that it cannot read. */
const failure = z.object({
  code: z.number().int().nullish(),
  detail: z.unknown().refine((detail) => detail !== undefined),
});

const readJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** What is wrong with an answer is not said in its own words: they may repeat what we sent. */
export const parseAnswer = <T>(schema: z.ZodType<T>, { status, body }: ExchangeResult): T => {
  if (status !== 200) throw new Error(`the mint answered ${status}`);
  const answer = schema.safeParse(readJson(body));
  if (!answer.success) throw new Error('the mint’s answer has not the form of the NUTs');
  return answer.data;
};

/** Keysets in form alone: one with an id that we cannot read is of no use, but no reason to refuse the others. */
export const readKeysets = (result: ExchangeResult): Keyset[] =>
  parseAnswer(keysets, result)
    .keysets.filter(({ id }) => hexId.safeParse(id).success)
    .map(({ input_fee_ppk, final_expiry, ...keyset }) => ({
      ...keyset,
      inputFeePpk: input_fee_ppk ?? 0,
      ...(final_expiry ? { finalExpiry: final_expiry } : {}),
    }));

/** A mint that shows each wallet keys of its own could tell by a proof whom it signed it for. */
export class WrongKeys extends Error {
  override name = 'WrongKeys';
}

type Terms = Readonly<{ unit: string; inputFeePpk: number; finalExpiry?: number | undefined }>;

/**
 * An id is a digest of the keys, and one of version 2 of unit, fee and expiry as well (NUT-02). `listed`: what the mint says
 * of the keyset in its list; it must be what the id says, too. Throws `WrongKeys`.
 */
export const readKeys = (id: string, result: ExchangeResult, listed?: Terms): Readonly<Record<string, string>> => {
  const keyset = parseAnswer(keys, result).keysets.find((entry) => entry.id === id);
  if (!keyset) throw new Error('the mint gave the keys of another keyset');
  const { unit, inputFeePpk, finalExpiry }: Terms = listed ?? {
    unit: keyset.unit,
    inputFeePpk: keyset.input_fee_ppk ?? 0,
    finalExpiry: keyset.final_expiry ?? undefined,
  };
  const claimed = {
    id,
    unit,
    input_fee_ppk: inputFeePpk,
    keys: keyset.keys,
    ...(finalExpiry && { final_expiry: finalExpiry }),
  };
  if (keyset.unit !== unit || !CashuKeyset.verifyKeysetId(claimed)) {
    throw new WrongKeys(`the mint’s keys do not fit the id of their keyset ${id}`);
  }
  return keyset.keys;
};

export const toSignature = ({ amount: value, id, C_, dleq }: z.infer<typeof signatures>[number]): BlindSignature => ({
  amount: value,
  id,
  C_,
  ...(dleq ? { dleq } : {}),
});

/** One signature for each output, of its amount and its keyset, in order. */
const fit = (found: z.infer<typeof signatures>, outputs: readonly BlindedMessage[]): boolean =>
  found.length === outputs.length &&
  found.every(({ amount: value, id }, index) => outputs[index]?.amount === value && outputs[index]?.id === id);

/** Undefined where it is no refusal of the mint's own. */
export const readRefusal = ({
  status,
  body,
}: Pick<ExchangeResult, 'status' | 'body'>): Extract<SwapOutcome, { outcome: 'refused' }> | undefined => {
  const refusal = failure.safeParse(readJson(body));
  const isRefused = (status === 400 || status === 422) && refusal.success;
  return isRefused ? { outcome: 'refused', code: refusal.data.code ?? undefined } : undefined;
};

/** Only the mint's own error body says that the mint refused; anything else may have come from in between. */
export const readSwap = ({ status, body }: ExchangeResult, outputs: readonly BlindedMessage[]): SwapOutcome => {
  const document = readJson(body);
  if (status === 200) {
    const answer = swapped.safeParse(document);
    if (answer.success && fit(answer.data.signatures, outputs)) {
      return { outcome: 'signed', signatures: answer.data.signatures.map(toSignature) };
    }
    return { outcome: 'unclear', reason: 'the mint’s signatures do not fit the outputs' };
  }
  return readRefusal({ status, body }) ?? { outcome: 'unclear', reason: `the mint answered ${status}` };
};

export const readStates = (result: ExchangeResult, ys: readonly string[]): ProofState[] => {
  const found = new Map(parseAnswer(states, result).states.map(({ Y, state }) => [Y.toLowerCase(), state]));
  return ys.map((y) => {
    const state = found.get(y);
    if (!state) throw new Error('the mint left out the state of a proof');
    return state;
  });
};

/** In the order of `outputs`; undefined where the mint has signed none of them. */
export const readRestored = (
  result: ExchangeResult,
  outputs: readonly BlindedMessage[],
): BlindSignature[] | undefined => {
  const answer = parseAnswer(restored, result);
  if (answer.signatures.length === 0) return undefined;
  const byMessage = new Map(answer.outputs.map(({ B_ }, index) => [B_, answer.signatures[index]]));
  const found = outputs.flatMap(({ B_ }) => byMessage.get(B_) ?? []);
  if (!fit(found, outputs)) throw new Error('the mint restored a part of the outputs, or others');
  return found.map(toSignature);
};
