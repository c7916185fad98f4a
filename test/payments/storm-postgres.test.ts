import { after } from 'node:test';
import { stormContract } from './storm-contract.ts';
import { stormDatabases } from './storm-databases.ts';

const { options, make } = await stormDatabases({ after });

stormContract('postgres', make, options);
