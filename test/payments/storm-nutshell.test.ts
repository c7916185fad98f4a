/** The storm at a real Nutshell mint, whose own books must agree. */
import { test } from 'node:test';
import { needs } from '../servers/programs.ts';
import { weather } from './storm-contract.ts';
import { createStormFile } from './storm-file.ts';
import { openNutshell } from './storm-mints.ts';

const KILLS = 28;

test(
  `Nutshell: ${KILLS} processes are killed, and the payers, the mint’s books and the ledger agree to the sat`,
  needs('nutshell'),
  async (t) => weather(t, await openNutshell(t), createStormFile(t), KILLS),
);
