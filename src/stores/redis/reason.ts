/** Why something failed, in one line. Of an error of ioredis no more than its message: it carries the command, password and all. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown reason';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const [line = ''] = error.message.split('\n');
  return line === '' ? code : line.slice(0, 200);
};
