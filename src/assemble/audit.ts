/** Where the lines about requests go. Files outlive reloads, as do requests that began before one. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { AccessEvent } from '../core/access-event.ts';
import { ReloadRefused } from '../reload/refused.ts';
import { createAudit } from '../telemetry/audit.ts';
import { type AuditFile, createAuditFile } from '../telemetry/audit-file.ts';
import { BATCH_LENGTH, MOST_WAITING } from '../telemetry/logger.ts';

export type ObserveAccess = (event: AccessEvent) => void;

export type Audits = Readonly<{
  /** Rejects where the configured file cannot be written to. Undefined where nothing is to be told. */
  of(config: Pick<Config, 'proxy' | 'api_keys'>): ObserveAccess | undefined;
  flush(): void;
}>;

export type AuditsOptions = Readonly<{
  logger: Logger;
  /** Standard output, shared with the log. */
  write(line: string): void;
  now(): number;
}>;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createAudits = ({ logger, write, now }: AuditsOptions): Audits => {
  const files = new Map<string, AuditFile>();

  const open = (path: string): AuditFile => {
    const known = files.get(path);
    if (known) return known;
    const file = createAuditFile(path, {
      batchLength: BATCH_LENGTH,
      mostWaiting: MOST_WAITING,
      onLost: (count) =>
        logger.warn({ event: 'audit_lines_lost', file: path, count }, 'the audit file could not be written'),
      onKept: (error) =>
        logger.error({ event: 'audit_file_kept', file: path, err: error }, 'the audit file cannot be opened anew'),
    });
    files.set(path, file);
    return file;
  };

  const writerFor = (path: string | undefined): ((line: string) => void) => {
    if (path === undefined) return write;
    try {
      return open(path).write;
    } catch (error) {
      const message = `the audit file cannot be opened: ${messageOf(error)}`;
      throw new ReloadRefused([{ path: ['proxy', 'audit', 'file'], message }]);
    }
  };

  return {
    of({ proxy, api_keys }) {
      if (!proxy?.enabled || !proxy.audit.enabled) return undefined;
      const { service = hostname(), file } = proxy.audit;
      const keyPrefixes = [api_keys.prefix, ...api_keys.imported.flatMap(({ prefix }) => prefix ?? [])];
      return createAudit({ service, extract: proxy.headers.extract, keyPrefixes, now, write: writerFor(file) });
    },
    flush() {
      for (const file of files.values()) file.close();
    },
  };
};
