/**
 * Calls that come back to the target that they were sent to: a target may be ourselves, by a name that nobody can tell from
 * another's. Each call carries the target's mark in `CDN-Loop` (RFC 8586), beside the marks of others.
 */
import { randomBytes } from 'node:crypto';
import { perObject } from '../core/per-object.ts';
import { type Refusal, refuse } from '../core/refusal.ts';

/** A service may call itself through us, and hand on what it was sent: it does not do so without end. */
const MOST_PASSES = 4;

const looped = refuse(
  'loop_detected',
  'The call came back to where it was sent. Its target leads here: correct its url.',
);

/** Of this process, and told to nobody but targets: no caller can guess another's. */
const markOf = perObject(() => `sallyport-${randomBytes(8).toString('hex')}`);

const passesOf = (lines: string, mark: string): number =>
  lines.split(',').filter((entry) => entry.split(';', 1)[0]?.trim() === mark).length;

/** Marks `headers` of a call to the target. `told` is the caller's own `CDN-Loop`, all of its lines. */
export const markCall = (target: object, headers: string[], told: string | undefined): Refusal | undefined => {
  const mark = markOf(target);
  if (told !== undefined && passesOf(told, mark) >= MOST_PASSES) return looped;
  headers.push('CDN-Loop', mark);
  return undefined;
};
