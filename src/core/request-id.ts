const correlationId = /^[\w.:@/+=-]{1,128}$/;

/** Whether a correlation id that a proxy gave is fit for logs and headers. */
export const isRequestId = (given: string | undefined): given is string =>
  given !== undefined && correlationId.test(given);
