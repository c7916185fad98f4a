/** Queries of calls. They leave as they came, but for the parameters that a credential sets. */

const nameOf = (parameter: string): string => {
  const [name = ''] = parameter.split('=', 1);
  const spaced = name.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
};

/** Some servers part parameters at semicolons too (HTML 4.01, appendix B.2.2). */
const separated = /[^&;]+[&;]*|[&;]+/g;

/** The query without the parameters of these names, however their letters are escaped. */
export const withoutParameters = (query: string, names: readonly string[]): string => {
  if (names.length === 0 || query === '') return query;
  const parts = query.match(separated) ?? [];
  const kept = parts.filter((part) => !names.includes(nameOf(part.replace(/[&;]+$/, ''))));
  return kept.length === parts.length ? query : kept.join('').replace(/[&;]+$/, '');
};

/** `path` with this query, and more of it. */
export const withQuery = (path: string, query: string, added: string): string => {
  const whole = query === '' || added === '' ? query + added : `${query}&${added}`;
  return whole === '' ? path : `${path}?${whole}`;
};
