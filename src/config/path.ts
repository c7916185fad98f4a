/** Where a value stands in the configuration: keys and list positions from the root. */
export type Path = readonly (string | number)[];

const plainKey = /^[A-Za-z_][\w-]*$/;

/** A key longer than this is cut in messages: a pasted blob must not fill the terminal. */
const longestKey = 60;

const segmentText = (segment: string | number): string => {
  if (typeof segment === 'number') return `[${segment}]`;
  if (plainKey.test(segment) && segment.length <= longestKey) return `.${segment}`;
  return `[${JSON.stringify(segment.length > longestKey ? `${segment.slice(0, longestKey)}…` : segment)}]`;
};

/** `rules[1].match.path`, with keys that are not plain words in brackets and quotes. */
export const formatPath = (path: Path): string => path.map(segmentText).join('').replace(/^\./, '');

export const startsWith = (path: Path, prefix: Path): boolean =>
  prefix.length <= path.length && prefix.every((segment, index) => segment === path[index]);
