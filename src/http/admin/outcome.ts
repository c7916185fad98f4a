import type { Refusal } from '../../core/refusal.ts';
import type { Resolution } from '../../usage/billing/billing-store.ts';

/** What a call has changed, for the audit log. */
export type Change =
  | Readonly<{
      action: 'create_key' | 'update_key' | 'rotate_key' | 'disable_key' | 'enable_key' | 'revoke_key';
      key_id: string;
      user_id: string;
    }>
  | Readonly<{ action: 'import_keys'; count: number }>
  | Readonly<{
      action: 'report_units';
      use: string;
      units: number;
      charged: number;
      payment: string;
      rule: string;
    }>
  | Readonly<{ action: 'revoke_sessions'; payment: string; closed: number }>
  | Readonly<{ action: 'delete_pod'; pod: string; payment: string }>
  | Readonly<{ action: 'reload'; outcome: string; generation: number }>
  | Readonly<{ action: 'put_customer' | 'remove_customer'; user_id: string; customer_id?: string }>
  | Readonly<{ action: 'resolve_billing'; identifier: string; resolution: Resolution; customer_id: string }>;

/** What a call answers: a refusal, or a status with a body. */
export type Outcome =
  | Refusal
  | Readonly<{ status: number; body?: unknown; headers?: Readonly<Record<string, string>>; change?: Change }>;
