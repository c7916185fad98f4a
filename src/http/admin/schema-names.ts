import { z } from 'zod';

/** Names of schemas in the OpenAPI document, for those that are used in several places or deserve one. */
export const schemaNames = z.registry<{ id: string }>();
