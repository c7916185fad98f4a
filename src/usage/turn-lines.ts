/**
 * Decisions of one turn of the event loop, in few bytes: what they have in common is said once. A line for the turn, one for each
 * caller it brings, and a short one for each event, which takes the turn's next number. They mean nothing without the line of
 * their turn before them, so that no batch begins in between.
 */
import { quoteName, quotePath } from './usage-line.ts';

export type TurnLine = readonly [readonly [firstNumber: number, atMs: number, prefix: string]];

export type CallerLine = readonly [
  readonly [keyId: string, userId: string, rule: string, method: string, host: string, status: number, billable: 0 | 1],
];

/** `caller`: its place among those of the turn. */
export type ShortLine = readonly [caller: number, path: string, durationUs: number];

export const writeTurnLine = (prefix: string, firstNumber: number, atMs: number): string =>
  `[[${firstNumber},${atMs},${quoteName(prefix)}]]\n`;

export const writeCallerLine = (names: readonly string[], status: number, isBillable: boolean): string =>
  `[[${names.map(quoteName).join(',')},${status},${isBillable ? 1 : 0}]]\n`;

export const writeShortLine = (caller: number, path: string, durationMs: number): string =>
  `[${caller},${quotePath(path)},${Math.round(durationMs * 1_000)}]\n`;
