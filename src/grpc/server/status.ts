/** The canonical status codes of gRPC (grpc.io/docs/guides/status-codes) that the server itself answers with. */
export const OK = 0;
export const INVALID_ARGUMENT = 3;
export const DEADLINE_EXCEEDED = 4;
export const NOT_FOUND = 5;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

/** How a call ends that has no answer. `message` is for whoever reads the caller's log: plain ASCII. */
export type Failure = Readonly<{ code: number; message: string }>;

export const isFailure = (outcome: object): outcome is Failure => 'code' in outcome;
