/** What a policy says besides yes or no. For the audit line; what of it the caller sees is in the refusal. */
export type Findings = Readonly<{ reasons: readonly string[]; audit: Readonly<Record<string, unknown>> }>;
