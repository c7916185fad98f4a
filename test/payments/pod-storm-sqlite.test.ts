import { podStormContract } from './pod-storm-contract.ts';
import { createStormFile } from './storm-file.ts';

podStormContract('sqlite', async (t) => createStormFile(t), 20);
