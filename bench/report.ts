import type { Comparison } from './compare.ts';
import type { Footprint } from './footprint.ts';
import type { LookUpCosts } from './keys/look-ups.ts';
import type { KeyCosts } from './keys/measure.ts';
import type { PaymentCosts } from './payments/measure.ts';
import type { UsageCosts } from './usage.ts';

const thousands = (rate: number): string => `${(rate / 1000).toFixed(1)}k`;
const ratioText = (ratio: number): string => (Number.isNaN(ratio) ? '–' : ratio.toFixed(2));
const wanted = ({ target }: Comparison): string => (Number.isNaN(target) ? '–' : `≥ ${target.toFixed(2)}`);
const flaw = ({ name, subject }: Comparison): string =>
  subject.unexpected > 0 && !name.startsWith('denial') ? `, ${subject.unexpected} unexpected answers` : '';

const tailText = (ratio: number): string => (Number.isNaN(ratio) ? '' : `, p99 × ${ratio.toFixed(2)} (≤ 1.50)`);

/** A line for the terminal. */
export const row = (comparison: Comparison): string => {
  const { name, baseline, subject, ratio, p99Ratio } = comparison;
  const rates = `${thousands(baseline.requestsPerSecond)} → ${thousands(subject.requestsPerSecond)}/s`;
  return `${name.padEnd(50)} ${rates.padEnd(20)} ratio ${ratio.toFixed(2)} (${wanted(comparison)})${tailText(p99Ratio)}${flaw(comparison)}`;
};

/** What a token costs, and what is hoped for. */
export const paymentLines = ({ redemption: costs, acceptance }: PaymentCosts): string[] => [
  `redemption of 8 proofs: ${costs.beforeSwapMs.toFixed(2)} ms of the event loop before the swap (≤ 1)`,
  `  CPU in all, our proofs included: ${costs.cpuMs.toFixed(1)} ms one after another, ${costs.cpuAtOnceMs.toFixed(1)} ms of 50 at once (≤ 4)`,
  `  longest turn of the event loop while 50 run at once: ${costs.stallMs.toFixed(1)} ms (≤ 10)`,
  `  one after another ${Math.round(costs.perSecond)}/s at ${Math.round(costs.share * 100)} % of a processor, by a mint that answers at once`,
  `locked tokens of 4 proofs, accepted without asking: ${Math.round(acceptance.perSecond)}/s of 64 at once in one process (≥ 800)`,
  `  CPU in all: ${acceptance.cpuMs.toFixed(2)} ms a token, ${acceptance.loopMs.toFixed(2)} ms of it of the event loop, whose longest turn is ${acceptance.stallMs.toFixed(1)} ms (≤ 10)`,
];

const lookUpLine = (store: string, costs: LookUpCosts): string =>
  `${store.padEnd(12)}look-up of a key that is not cached: ${costs.aloneUs.toFixed(0)} µs alone, ${costs.atOnceUs.toFixed(0)} µs of 64 at once; cached, a key takes ${Math.round(costs.cachedBytes)} bytes`;

/** What it costs to count a request, and what is hoped for. */
export const usageLines = ({ recordUs, storedPerSecond, storeCpuUs, accessLogPerSecond }: UsageCosts): string[] => [
  `Envoy's access log over gRPC: ${Math.round(accessLogPerSecond / 1_000)}k entries/s, until all are in SQLite (≥ 50k/s)`,
  `usage: ${recordUs.toFixed(2)} µs of the event loop for an event, ${Math.round(storedPerSecond / 1_000)}k/s into SQLite by itself`,
  `  ${storeCpuUs.toFixed(1)} µs of a processor for each event that is stored, on a thread of its own`,
];

/** What a key costs where there are a million. */
export const keyLines = ({ sqlite, postgres }: KeyCosts): string[] => [
  lookUpLine('SQLite', sqlite),
  ...(postgres ? [lookUpLine('PostgreSQL', postgres)] : []),
];

/** When it answers, and what it holds while nobody asks. */
export const footprintLine = ({ readyMs, residentMb, sharedMb }: Footprint): string =>
  `ready ${Math.round(readyMs)} ms after the start (≤ 700), ${Math.round(residentMb)} MB resident when idle (< 120), ${Math.round(sharedMb)} MB of it Node's own program`;

const tableRow = (comparison: Comparison): string => {
  const { name, baseline, subject, ratio, p99Ratio } = comparison;
  const cells = [
    name,
    thousands(baseline.requestsPerSecond),
    thousands(subject.requestsPerSecond),
    ratio.toFixed(2),
    wanted(comparison),
    ratioText(p99Ratio),
  ];
  return `| ${cells.join(' | ')} |`;
};

export type Measurements = Readonly<{
  comparisons: readonly Comparison[];
  footprint: Footprint;
  payments: PaymentCosts;
  million: KeyCosts;
  metering: UsageCosts;
  machine: string;
}>;

export const document = ({
  comparisons,
  footprint,
  payments,
  million,
  metering,
  machine,
}: Measurements): string => `# Performance

<!-- Written by "npm run bench -- --write". -->

Measured on ${machine}, with \`npm run bench -- --write\`: wrk with 64 connections on one processor, the measured server on the
other, the two servers of each row in turn, nine rounds of a second; the ratio is the median of the rounds' own ratios. Where there
is a p99 (hoped for: ≤ 1.5), it is of three runs of 20 seconds of each: shorter ones show little more than how 64 connections begin.
Read the ratios: the rates belong to the machine. Bare \`node:http\` reads the same request, with
the headers of a real proxy, and answers with three.

![ratios as bars](performance.svg)

| case | baseline, requests/s | Sallyport, requests/s | ratio | hoped for | p99, ratio |
|---|---|---|---|---|---|
${comparisons.map(tableRow).join('\n')}

A row *for each second of a processor* counts what the proxy itself used, and not the clock. What egress costs beside nginx, and what to
do where that is too much, is in [egress.md](egress.md#speed).

## Payments

SQLite, a mint that answers at once; times of processors, not of the clock.

\`\`\`
${paymentLines(payments).join('\n')}
\`\`\`

## A million keys

\`\`\`
${keyLines(million).join('\n')}
\`\`\`

## Usage

\`\`\`
${usageLines(metering).join('\n')}
\`\`\`

## Footprint

With API keys, a JWT issuer and a mint configured:

\`\`\`
${footprintLine(footprint)}
\`\`\`
`;

const BAR = { left: 380, width: 400, height: 22, gap: 10 };

const bar = ({ name, ratio, target }: Comparison, index: number): string => {
  const y = 30 + index * (BAR.height + BAR.gap);
  const length = Math.min(ratio, 1.2) * BAR.width;
  const goal = BAR.left + target * BAR.width;
  const mark = Number.isNaN(target)
    ? ''
    : `<line x1="${goal}" x2="${goal}" y1="${y - 3}" y2="${y + BAR.height + 3}" stroke="#b00" stroke-width="2"/>`;
  return `<text x="${BAR.left - 8}" y="${y + 16}" text-anchor="end">${name}</text>
<rect x="${BAR.left}" y="${y}" width="${length.toFixed(0)}" height="${BAR.height}" fill="#4a7"/>${mark}
<text x="${BAR.left + length + 6}" y="${y + 16}">${ratio.toFixed(2)}</text>`;
};

export const chart = (comparisons: readonly Comparison[]): string => {
  const height = 40 + comparisons.length * (BAR.height + BAR.gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="920" height="${height}" font-family="sans-serif" font-size="13">
<title>Requests a second, as a part of the baseline</title>
<rect width="920" height="${height}" fill="#fff"/>
<text x="8" y="18">Requests a second, as a part of the baseline; the red line is what is hoped for</text>
${comparisons.map(bar).join('\n')}
</svg>
`;
};
