/** Envoy's access log over gRPC, from the first byte until all of it is in SQLite. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../../test/servers/free-port.ts';
import { until } from '../../test/servers/until.ts';
import { makeDirectory, pinned, startGate } from '../servers.ts';

const ENTRIES = 200_000;

const isStored = async (url: string): Promise<boolean> => {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return metrics.includes(`\nsallyport_usage_events_total{result="stored"} ${ENTRIES}\n`);
};

/** Entries a second: the service on one processor, its caller, in Envoy's place, on the other. */
export const measureAccessLog = async (): Promise<number> => {
  const directory = makeDirectory();
  const port = await freePort();
  const gate = await startGate({
    directory: directory.path,
    config: `grpc: { addr: "127.0.0.1:${port}" }\nusage: { spool: "${directory.path}/usage", flush_interval: 100ms }\n`,
  });
  try {
    const script = join(import.meta.dirname, 'send-log.ts');
    const caller = spawn(...pinned(1, process.execPath, [script, `${port}`, `${ENTRIES}`]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const beganAtMs = Number(await text(caller.stdout));
    await until('the log is in the store', () => isStored(gate.url), { deadlineMs: 60_000 });
    return (ENTRIES * 1_000) / (Date.now() - beganAtMs);
  } finally {
    await gate.stop();
    directory.remove();
  }
};
