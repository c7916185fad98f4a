import { encodeQR } from 'qr';

/** Beyond it a code is too fine for a camera to read off a screen. */
const LONGEST = 1_000;

/** Modules of empty space on each side (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** Each run of dark modules in a row, as a stroke from where the last one ended. */
const runsOf = (row: readonly boolean[], y: number): string => {
  let path = `M0 ${y}.5`;
  let end = 0;
  for (let x = 0; x < row.length; x++) {
    if (!row[x]) continue;
    const from = x;
    while (row[x + 1]) x++;
    path += `m${from - end} 0h${x + 1 - from}`;
    end = x + 1;
  }
  return path;
};

/** An SVG picture of a QR code, for HTML; undefined for text that is too long for one. `label` must be safe in an attribute. */
export const qrCode = (text: string, label: string): string | undefined => {
  if (text.length > LONGEST) return undefined;
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: QUIET_ZONE });
  const path = rows.map(runsOf).join('');
  return (
    `<svg viewBox="0 0 ${rows.length} ${rows.length}" role="img" aria-label="${label}" shape-rendering="crispEdges">` +
    `<path d="${path}" stroke="#000"/></svg>`
  );
};
