import type { Logger } from 'pino';
import { type RefusalCode, refusalKinds } from '../core/refusal.ts';

type DenialLoggers = (dialect: string, rule: string, code: RefusalCode) => Logger;

const within = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

/**
 * A logger for each kind of denial: what its lines have in common is written once, which is a third of a line. None of the
 * three is for a request to choose, so that there are few.
 */
export const createDenialLoggers = (logger: Logger): DenialLoggers => {
  const byDialect = new Map<string, Map<string, Map<RefusalCode, Logger>>>();
  return (dialect, rule, code) => {
    const byRule = within(byDialect, dialect, () => new Map<string, Map<RefusalCode, Logger>>());
    const byCode = within(byRule, rule, () => new Map<RefusalCode, Logger>());
    return within(byCode, code, () =>
      logger.child({ event: 'denied', dialect, rule, code, status: refusalKinds[code].status }),
    );
  };
};
