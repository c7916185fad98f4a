/**
 * What policies can see of an input, from their syntax: every mention of `input`, and the names after it for as long as they are
 * literal. More may be found than is read, where a local name hides `input`; less cannot, for there is no other way to it.
 */
import { type Module, seeMentions } from './syntax.ts';

const keyOf = (group: string, name: string): string => JSON.stringify([group, name]);

/** Whether `input.GROUP.MEMBER`, or all of `input.GROUP`, can be seen by one of them. */
export const inputReads = (modules: readonly Module[]): ((group: string, member?: string) => boolean) => {
  let seesAll = false;
  const groups = new Set<string>();
  const members = new Set<string>();

  const see = ([group, name]: readonly string[]): void => {
    if (group === undefined) seesAll = true;
    else if (name === undefined) groups.add(group);
    else members.add(keyOf(group, name));
  };

  const trees = modules.map(({ ast }) => ast);
  seeMentions(trees, ({ name, path }) => {
    if (name === 'input') see(path);
  });

  return (group, name) => seesAll || groups.has(group) || (name !== undefined && members.has(keyOf(group, name)));
};
