/** The scripts that manifests carry in a container's arguments, to be run as they stand, but on loopback. */
import { freePort } from '../servers/free-port.ts';
import type { Owner } from '../servers/last-resort.ts';
import { accepts } from '../servers/probe.ts';
import { launch, type Running } from '../servers/process.ts';
import { find, listAt, resourcesOf, textAt } from './manifests.ts';

type Started = Readonly<{ url: string; port: number; running: Running }>;

/** Replaces each text, which must be there: a changed script is not run by mistake. */
const put = (script: string, changes: Readonly<Record<string, string>>): string =>
  Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The script does not say ${from}`);
    return text.replace(from, to);
  }, script);

const start = async (
  deployment: readonly [folder: string, name: string],
  listening: string,
  changes: Readonly<Record<string, string>>,
  owner: Owner,
): Promise<Started> => {
  const [folder, name] = deployment;
  const [container] = listAt(find(resourcesOf(folder), 'Deployment', name), 'spec.template.spec.containers');
  const called = [textAt(container, 'command.0'), textAt(container, 'args.0')].join(' ');
  if (called !== '/nodejs/bin/node --eval') throw new Error(`${name} calls ${called}`);
  const port = await freePort();
  const script = put(textAt(container, 'args.1'), {
    ...changes,
    [`listen(${listening})`]: `listen(${port}, '127.0.0.1')`,
  });
  const running = await launch({
    command: process.execPath,
    args: ['--eval', script],
    ready: () => accepts(port),
    owner,
  });
  return { url: `http://127.0.0.1:${port}`, port, running };
};

export const startExampleApp = (owner: Owner): Promise<Started> => start(['nginx', 'example-app'], '3000', {}, owner);

/** It goes on for `drainMs` after SIGTERM, and is gone after ten times that. */
export const startRelay = (gatePort: number, owner: Owner, drainMs = 5): Promise<Started> =>
  start(
    ['nginx/other-namespace', 'sallyport'],
    '8080',
    {
      "connect(8080, 'sallyport.sallyport.svc.cluster.local')": `connect(${gatePort}, '127.0.0.1')`,
      '5_000': String(drainMs),
      '10_000': String(drainMs * 10),
    },
    owner,
  );
