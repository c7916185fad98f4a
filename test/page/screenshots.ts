/** Pictures of the page in each state, kept for people to look at: test-output/page/. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const folder = join(import.meta.dirname, '..', '..', 'test-output', 'page');

const faintTexts = readFileSync(join(import.meta.dirname, 'faint-texts.js'), 'utf8');

/** On a narrow and a wide screen, in the light and in the dark; nothing is cut off, and everything can be read. */
export const shoot = async (page: Page, name: string): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
      assert.ok(wide <= width, `${name} is ${wide} pixels wide on a screen of ${width}`);
      assert.deepEqual(await page.evaluate(faintTexts), [], `${name}, ${colorScheme}`);
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  }
};
