/**
 * `data.orders.allow` → `orders/allow`: what OPA calls the document in URLs and in the names of entrypoints. Queries have no other
 * form (config/check-policy.ts).
 */
export const documentPath = (query: string): string => query.replace(/^data\./, '').replaceAll('.', '/');

/** The query that asks for a document. */
export const queryFor = (path: string): string => `data.${path.replaceAll('/', '.')}`;
