/** What the store has to know to put new usage on bills. */
export type BillingAssignment = Readonly<{
  nowMs: number;
  /** Summed into one event. Windows begin at multiples of it since the epoch. */
  windowMs: number;
  /** How long after its end a window takes late usage before it is told. */
  lateMs: number;
  /** What is summed is shown and never sent. */
  isDry: boolean;
  meter: string;
  /** Meters of rules that have their own; nothing where a rule is not billed. */
  meterOf: Readonly<Record<string, string | null>>;
  /** Whoever is not named here is billed to nobody. */
  customers: readonly (readonly [keyId: string, userId: string, customer: string])[];
}>;
