/** Preloaded into a process: writes the modules that it loads into the file that LOADED_MODULES names. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env['LOADED_MODULES'] ?? '';

registerHooks({
  load(url, context, next) {
    // Not to a pipe: one that is full would be an error of the loading.
    appendFileSync(file, `loaded ${url}\n`);
    return next(url, context);
  },
});
