// A test process that forgets to stop what it started; process.test.ts looks at what is left of it.
import { once } from 'node:events';
import { launch } from './process.ts';
import { createWorkdir } from './workdir.ts';

const way = process.argv[2];
const { path: directory } = createWorkdir('left');
const { pid } = await launch({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
process.send?.({ pid, directory });
await once(process, 'message');
if (way === 'dies of an uncaught error') throw new Error('on purpose');
if (way === 'ends by itself') process.disconnect();
else setInterval(() => {}, 1000);
