/** The data service, as the services of zone 2 see it: by the egress of their own Sallyport, without any credential. */
import type { Answer, Call } from './json-service.ts';

export type DataClient = Readonly<{
  get(path: string, call: Call): Promise<Answer>;
  post(path: string, body: unknown, call: Call): Promise<Answer>;
}>;

/** `egressUrl`: http://localhost:8080. Sallyport gets the service's JWT, shows its certificate, and passes on whom it is for. */
export const createDataClient = (egressUrl: string): DataClient => {
  const send = async (path: string, { userContext, correlationId }: Call, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${egressUrl}/data${path}`, {
      headers: {
        'X-User-Context': userContext,
        'X-Correlation-ID': correlationId,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { get: (path, call) => send(path, call), post: (path, body, call) => send(path, call, body) };
};
