import { stormContract } from './storm-contract.ts';
import { createStormFile } from './storm-file.ts';

stormContract('sqlite', async (t) => createStormFile(t));
