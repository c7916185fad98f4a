/** `200`, or a class such as `2xx`. */
export const createBillable = (statuses: readonly string[]): ((status: number) => boolean) => {
  const classes = new Set(statuses.filter((text) => text.endsWith('xx')).map((text) => Number(text[0])));
  const single = new Set(statuses.map(Number));
  return (status) => single.has(status) || classes.has(Math.floor(status / 100));
};
