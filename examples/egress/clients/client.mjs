const base = process.env.EGRESS_PROXY_URL ?? 'http://egress-proxy:8080';

/** Calls base/ext/… with a JSON body. The proxy adds the credential. */
const call = async (method, path, body) => {
  const answer = await fetch(`${base}/ext${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

console.log(await call('POST', '/stripe/charges', { amount: 1000, currency: 'usd' }));
