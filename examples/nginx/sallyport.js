// One call for each request, for njs.conf. njs cannot change a request's headers, so they pass through variables.
const managed = [
  'X-User-ID',
  'X-Auth-Method',
  'X-API-Key-ID',
  'X-User-Email',
  'X-User-Roles',
  'X-Client-CN',
  'X-Payment-Verified',
  'X-Payment-Amount',
  'X-Payment-Balance',
  'X-Payment-Use',
  'X-Provisioned-Pod',
  'Authorization',
  'X-API-Key',
  'X-Cashu',
  'X-Payment-Session',
  'Cookie',
];

// For the client: what is left of its limits and credits.
const limits = [
  'RateLimit',
  'RateLimit-Policy',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Credits-Remaining',
];

const variable = (name) => `sallyport_${name.toLowerCase().replace(/-/g, '_')}`;

// Of a refusal, for the client.
const told = [
  'Content-Type',
  'WWW-Authenticate',
  'X-Cashu',
  'Retry-After',
  'Cache-Control',
  'Content-Security-Policy',
  'Referrer-Policy',
  'X-Content-Type-Options',
  'Vary',
].concat(limits);

async function gate(r) {
  const answer = await r.subrequest('/_sallyport', { method: 'GET' });
  if (answer.status === 200) {
    managed.concat(limits).forEach((name) => {
      r.variables[variable(name)] = answer.headersOut[name] || '';
    });
    // A session for what was paid, for the client. Some versions crash where headersOut has no Set-Cookie.
    const pair = answer.rawHeadersOut.find((one) => one[0].toLowerCase() === 'set-cookie');
    const cookie = pair ? pair[1] : '';
    r.variables.sallyport_set_cookie = cookie;
    r.variables.sallyport_session_id = cookie.slice(cookie.indexOf('=') + 1).split(';')[0];
    r.internalRedirect('@application');
    return;
  }
  // What is no refusal of Sallyport's (it does not answer, it is not Sallyport at all) is nobody's permission.
  const page = answer.status === 402 && answer.headersOut['X-Cashu'];
  const refused = page || answer.headersOut['Content-Type'] === 'application/problem+json';
  if (!refused) r.headersOut['Retry-After'] = '5';
  for (let i = 0; refused && i < told.length; i++) {
    const value = answer.headersOut[told[i]];
    if (value) r.headersOut[told[i]] = value;
  }
  r.return(refused ? answer.status : 503, refused ? answer.responseText : '');
}

// biome-ignore lint/style/noDefaultExport: njs imports no other.
export default { gate };
