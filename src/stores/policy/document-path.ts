/** Questions that compiled policies and policy servers take: the address of one document, and no other Rego. */

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** `.name` or `["any text"]`, by the grammar of references (https://www.openpolicyagent.org/docs/policy-language). */
const step = /\.([A-Za-z_][A-Za-z0-9_]*)|\[("(?:[^"\\\p{Cc}]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")\]/uy;

/** Would be read as steps of a URL's path, or as its end. */
const isUnsafe = (part: string): boolean => part === '' || part === '.' || part === '..' || part.includes('/');

/**
 * `data.orders["v-2"].allow` → `['orders', 'v-2', 'allow']`. Undefined where it is not the address of one document below `data`.
 */
export const documentPath = (query: string): readonly string[] | undefined => {
  if (!query.startsWith('data') || query.length === 4) return undefined;
  const parts: string[] = [];
  step.lastIndex = 4;
  while (step.lastIndex < query.length) {
    const [, plain, quoted] = step.exec(query) ?? [];
    const part = plain ?? (quoted === undefined ? undefined : String(JSON.parse(quoted)));
    if (part === undefined || isUnsafe(part)) return undefined;
    parts.push(part);
  }
  return parts;
};

/** The question that asks for a document, as people write it. */
export const queryFor = (parts: readonly string[]): string =>
  parts.reduce((query, part) => query + (name.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`), 'data');

export const expectedDocument = 'expected the address of one document, such as data.orders.allow';
