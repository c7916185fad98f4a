/** docs/refusals.md, from the one table of refusals. */
import { refusalKinds } from '../src/core/refusal.ts';

export const refusalReference = (): string => {
  const rows = Object.entries(refusalKinds).map(
    ([code, { status, title, meaning }]) => `| \`${code}\` | ${status} | ${title} | ${meaning} |`,
  );
  return `# Refusals

<!-- Generated from src/core/refusal.ts by "npm run fix". Change the table there, not this file. -->

Every refusal is an \`application/problem+json\` document (RFC 9457) with \`type\` (\`urn:sallyport:problem:CODE\`), \`title\`,
\`status\`, \`code\` and \`detail\`. Codes are stable; sentences may change. Behind NGINX the status is 401 or 403, the true one is in
\`X-Auth-Status\`, and \`/auth/challenge\` gives all of it.

| code | status | title | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
};
