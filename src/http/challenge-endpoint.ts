/** Where nginx's `error_page` sends a refused request, with the headers of the auth call. */
export const CHALLENGE = '/auth/challenge';

export const isChallenge = (url: string): boolean =>
  url.startsWith(CHALLENGE) && (url.length === CHALLENGE.length || url[CHALLENGE.length] === '?');
