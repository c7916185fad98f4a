import type { PlayMint } from '../../examples/play-mint/mint.ts';
import type { Fault } from './faults.ts';
import { json } from './loopback.ts';

type Signature = { C_: string; dleq?: unknown };

/** The mint acts, and these are the signatures that it sends instead. */
const changing =
  (change: (signatures: Signature[]) => Signature[]): Fault =>
  async (act) => {
    const answer = await act();
    if (answer?.status !== 200 || typeof answer.body !== 'string') return answer;
    const body: { signatures: Signature[] } = JSON.parse(answer.body);
    return { ...answer, body: JSON.stringify({ ...body, signatures: change(body.signatures) }) };
  };

/** The mint acts, but what it sends are signatures for other outputs: points of the curve that unblind to nothing good. */
export const wrongSignatures: Fault = changing((signatures) => {
  const [first, ...rest] = signatures.map(({ C_ }) => C_);
  // One alone has none to change places with: its mirror image is as wrong.
  const shifted = rest.length === 0 ? [mirrored(first ?? '')] : [...rest, first ?? ''];
  return signatures.map((signature, index) => ({ ...signature, C_: shifted[index] ?? '' }));
});

const mirrored = (point: string) => `${point.startsWith('02') ? '03' : '02'}${point.slice(2)}`;

/** What the mint says of its keysets, changed. */
export const describingKeysets =
  (change: (keyset: Record<string, unknown>) => Record<string, unknown>): Fault =>
  async (act) => {
    const answer = await act();
    if (answer?.status !== 200 || typeof answer.body !== 'string') return answer;
    const body: { keysets: Record<string, unknown>[] } = JSON.parse(answer.body);
    return { ...answer, body: JSON.stringify({ keysets: body.keysets.map(change) }) };
  };

/** The mint acts, but leaves the last signature out of its answer. */
export const tooFewSignatures: Fault = changing((signatures) => signatures.slice(0, -1));

/** The mint acts, but sends them without DLEQ proofs (NUT-12 is optional). */
export const withoutDleq: Fault = changing((signatures) => signatures.map(({ dleq, ...rest }) => rest));

/** A refusal with a code of the NUTs, and nothing was done: 11002, 12002, 12003, … */
export const refusing =
  (code: number, detail = 'refused'): Fault =>
  () =>
    json(400, { detail, code });

/** Every refusal loses its meaning: 400 with code 0, as some mints do. */
export const codeless: Fault = async (act) => {
  const answer = await act();
  return answer?.status === 200 ? answer : json(400, { detail: 'error', code: 0 });
};

/** The mint changes its keys between the making of the request and its arrival. */
export const rotating =
  (mint: PlayMint): Fault =>
  async (act) => {
    mint.rotate();
    return act();
  };
