/**
 * `npm run bench [-- --seconds N] [-- --only key,jwt] [-- --write]`: ratios against bare node:http, measured in one run. Never
 * a test: machines differ, and this one may be busy. `--write` puts table and chart into docs/.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { find } from '../test/servers/programs.ts';
import { cases } from './cases.ts';
import type { Comparison } from './compare.ts';
import { measureFootprint } from './footprint.ts';
import { measureKeys } from './keys/measure.ts';
import { measurePayments } from './payments/measure.ts';
import { chart, document, footprintLine, keyLines, paymentLines, row, usageLines } from './report.ts';
import { measureUsage } from './usage.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

if (find('wrk') === undefined) {
  console.error('The bench needs wrk to make the load: apt-get install wrk');
  process.exit(2);
}

const chosen = values.only?.split(',') ?? [...Object.keys(cases), 'payments', 'million', 'metering', 'footprint'];
const comparisons: Comparison[] = [];
const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`;

console.log(`${machine}\n`);
for (const [name, run] of Object.entries(cases)) {
  if (!chosen.includes(name)) continue;
  await run({
    seconds: Number(values.seconds),
    only: values.only,
    report(comparison) {
      comparisons.push(comparison);
      console.log(row(comparison));
    },
  });
}
const payments = chosen.includes('payments') ? await measurePayments() : undefined;
if (payments) console.log(paymentLines(payments).join('\n'));
const million = chosen.includes('million') ? await measureKeys() : undefined;
if (million) console.log(keyLines(million).join('\n'));
const metering = chosen.includes('metering') ? await measureUsage() : undefined;
if (metering) console.log(usageLines(metering).join('\n'));
const footprint = chosen.includes('footprint') ? await measureFootprint() : undefined;
if (footprint) console.log(footprintLine(footprint));

if (values.write && footprint && payments && million && metering) {
  const docs = join(import.meta.dirname, '..', 'docs');
  writeFileSync(
    join(docs, 'performance.md'),
    document({ comparisons, footprint, payments, million, metering, machine }),
  );
  writeFileSync(join(docs, 'performance.svg'), chart(comparisons));
}
