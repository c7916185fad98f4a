import { after } from 'node:test';
import { podStormContract } from './pod-storm-contract.ts';
import { stormDatabases } from './storm-databases.ts';

const { options, make } = await stormDatabases({ after });

podStormContract('postgres', make, 14, options);
