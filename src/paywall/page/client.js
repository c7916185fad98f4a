/* global words */
// The page's own script. Without it the form is sent as it is; with it the page stays while the mint is asked, and asks again by
// itself. Where the way to Sallyport is missing, the token goes with the request for the page itself.
{
  const form = document.querySelector('form');
  const { token, to } = form.elements;
  const problem = document.querySelector('#problem');
  const progress = document.querySelector('#progress');
  const button = form.querySelector('button');
  const MOST_TRIES = 30;

  const show = (code, isWaiting = false) => {
    const text = words[code] ?? words.otherwise;
    // Said once, however often it is tried again.
    if (!problem.hidden && problem.textContent === text) return;
    problem.textContent = text;
    problem.hidden = false;
    problem.classList.toggle('waiting', isWaiting);
    if (!isWaiting) token.setAttribute('aria-invalid', 'true');
    problem.focus();
  };

  const setBusy = (text) => {
    form.setAttribute('aria-busy', String(text !== ''));
    button.disabled = text !== '';
    token.readOnly = text !== '';
    progress.textContent = text;
  };

  /** Sallyport's own word on a GET; whatever else answers there is not to be shown a token. */
  const isRouted = async () => {
    const answer = await fetch(form.action, { headers: { Accept: 'application/problem+json' } });
    return answer.status === 405 && (await codeOf(answer)) === 'method_not_allowed';
  };

  const codeOf = async (answer) => {
    if (!answer.headers.get('content-type')?.includes('json')) return undefined;
    return (await answer.json().catch(() => undefined))?.code;
  };

  const goOn = () => {
    if (location.pathname + location.search === to.value) location.reload();
    else location.replace(to.value);
  };

  /** One request was bought, and this was it: what came is shown, for to ask again would cost again. */
  const showAnswer = async (answer) => {
    location.replace(URL.createObjectURL(await answer.blob()));
  };

  const handIn = async () => {
    const body = new URLSearchParams(new FormData(form));
    const headers = { Accept: 'application/problem+json' };
    // What follows would be debited: the browser is to ask for it, not this script.
    const answer = await fetch(form.action, { method: 'POST', body, headers, redirect: 'manual' });
    return { answer, done: answer.type === 'opaqueredirect' ? goOn : undefined };
  };

  const askWithToken = async () => {
    const headers = { 'X-Cashu': token.value.replace(/\s/g, ''), Accept: '*/*' };
    const answer = await fetch(location.href, { headers, cache: 'no-store', redirect: 'manual' });
    const isRefused = [400, 401, 402, 403, 429, 502, 503, 504].includes(answer.status);
    const left = Number.parseInt(answer.headers.get('x-payment-balance') ?? '', 10);
    const mayAskAgain = form.dataset.single === undefined || left >= Number(form.dataset.amount);
    const isShown = !mayAskAgain && answer.type !== 'opaqueredirect';
    return { answer, done: isRefused ? undefined : isShown ? () => showAnswer(answer) : goOn };
  };

  const retryAfterS = ({ status, headers }) =>
    status === 503 ? Math.max(1, Number(headers.get('retry-after')) || 5) : undefined;

  const attempt = async (tries) => {
    setBusy('Asking the mint. This can take some seconds.');
    const { answer, done } = (await isRouted()) ? await handIn() : await askWithToken();
    if (done) {
      setBusy('Paid. The page is on its way.');
      return done();
    }
    const seconds = retryAfterS(answer);
    setBusy('');
    const otherwise = seconds ? 'payment_uncertain' : answer.status === 402 ? 'credit_exhausted' : '';
    show((await codeOf(answer)) ?? otherwise, seconds !== undefined);
    if (seconds === undefined || tries >= MOST_TRIES) return;
    setBusy(`Trying again with the same token in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`);
    setTimeout(start, seconds * 1000, tries + 1);
  };

  const start = (tries) => {
    attempt(tries).catch(() => {
      setBusy('');
      show('unreachable', true);
    });
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    problem.hidden = true;
    token.removeAttribute('aria-invalid');
    start(1);
  });

  for (const copy of document.querySelectorAll('.copy')) {
    if (!navigator.clipboard) continue;
    copy.hidden = false;
    copy.addEventListener('click', async () => {
      await navigator.clipboard.writeText(copy.closest('.payment').querySelector('code').textContent);
      copy.textContent = 'Copied';
    });
  }
}
