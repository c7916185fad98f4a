/** `grpc-timeout`: at most eight digits and a unit (gRPC over HTTP/2). */
const unitMs = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 } as const;

const timeout = /^(\d{1,8})([HMSmun])$/;

/** What a timer can wait for. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds; infinite where the caller sets none. Undefined where it cannot be read. */
export const timeoutMsOf = (header: string | undefined): number | undefined => {
  if (header === undefined) return Number.POSITIVE_INFINITY;
  const [, digits = '', unit] = timeout.exec(header) ?? [];
  if (unit === undefined) return undefined;
  return Math.min(Number(digits) * unitMs[unit as keyof typeof unitMs], LONGEST_MS);
};
