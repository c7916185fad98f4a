/** One reason why a reload changed nothing. It never holds a secret. */
export type Reason = Readonly<{
  /** Where the configuration asks for what cannot be had; left out where the message says it, or it stands nowhere. */
  path?: readonly (string | number)[];
  message: string;
}>;

export class ReloadRefused extends Error {
  override readonly name = 'ReloadRefused';
  readonly reasons: readonly Reason[];

  constructor(reasons: readonly Reason[]) {
    super(reasons.map(({ message }) => message).join('\n'));
    this.reasons = reasons;
  }
}

export const reasonsOf = (error: unknown): readonly Reason[] => {
  if (error instanceof ReloadRefused) return error.reasons;
  return [{ message: error instanceof Error ? error.message : String(error) }];
};
