import { type PathPattern, parsePathPattern } from '../core/path-pattern.ts';
import { findConflicts, type Route } from '../core/routes.ts';
import type { Config, RuleConfig } from './config.ts';
import type { Finding } from './finding.ts';

const everyPath = parsePathPattern('/**');

/** A rule that names neither host nor path nor methods is reached by its name alone and takes part in no comparison. */
const patternOf = ({ match }: RuleConfig): PathPattern | string | undefined => {
  if (match.path !== undefined) return parsePathPattern(match.path);
  return match.host === undefined && match.methods === undefined ? undefined : everyPath;
};

const toRoute = (rule: RuleConfig, index: number): Route<number>[] => {
  const path = patternOf(rule);
  if (path === undefined || typeof path === 'string') return [];
  const { host, methods } = rule.match;
  return [{ path, target: index, ...(host === undefined ? {} : { host }), ...(methods ? { methods } : {}) }];
};

const badPatterns = ({ rules }: Config): Finding[] =>
  rules.flatMap((rule, index): Finding[] => {
    const pattern = patternOf(rule);
    return typeof pattern === 'string'
      ? [
          {
            path: ['rules', index, 'match', 'path'],
            message: pattern,
            shows: 'value',
            expected: 'a pattern such as /orders/**',
          },
        ]
      : [];
  });

/** Two rules of which neither is more specific: which of them decided would be a matter of chance. */
const equalPrecedence = ({ rules }: Config): Finding[] =>
  findConflicts(rules.flatMap(toRoute)).map(([first, second]) => ({
    path: ['rules', second.target, 'match'],
    message: 'matches requests that another rule matches just as specifically; see',
    refersTo: ['rules', first.target, 'match'],
    hint: 'change the host, the path or the methods of one of them',
  }));

export const checkRoutes = (config: Config): Finding[] => [...badPatterns(config), ...equalPrecedence(config)];
