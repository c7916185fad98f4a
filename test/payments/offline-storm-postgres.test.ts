import { after } from 'node:test';
import { offlineStormContract } from './offline-storm-contract.ts';
import { stormDatabases } from './storm-databases.ts';

const { options, make } = await stormDatabases({ after });

offlineStormContract('postgres', make, options);
