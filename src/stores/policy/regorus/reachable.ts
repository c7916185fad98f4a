/**
 * Which files of a directory can have a say in what is asked. Tests lie beside the policies that they test, ask for all of the input
 * and read the clock; nothing that is asked leads to them.
 */
import { type Module, mentionOf, seeMentions } from './syntax.ts';

type Path = readonly string[];

const dataPath = (value: unknown): Path => {
  const mention = mentionOf(value);
  return mention ? [mention.name, ...mention.path] : [];
};

const areInLine = (some: Path, other: Path): boolean => {
  const [short, long] = some.length < other.length ? [some, other] : [other, some];
  return short.every((step, index) => step === long[index]);
};

/**
 * `queries` are as the configuration has them: `data.orders.allow`. A package is reached by whatever is mentioned in it, above it or
 * below it, for a name that is not literal may lead anywhere from there on.
 */
export const reachable = (modules: readonly Module[], queries: readonly string[]): readonly Module[] => {
  const packageOf = new Map(modules.map((module) => [module, dataPath(module.ast.package.refr)]));
  const reached = new Set<Module>();
  const pending: Path[] = queries.map((query) => query.split('.').slice(1));

  for (let path = pending.pop(); path; path = pending.pop()) {
    for (const [module, name] of packageOf) {
      if (reached.has(module) || !areInLine(path, name)) continue;
      reached.add(module);
      // Its own package, which it may mention without saying so.
      pending.push(name);
      seeMentions([module.ast.imports, module.ast.rules], (mention) => {
        if (mention.name === 'data') pending.push(mention.path);
      });
    }
  }
  return modules.filter((module) => reached.has(module));
};
