/** `POST /admin/explain`: what would be decided for a request, and why. */
import { isRefusal, type Refusal } from '../../core/refusal.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { type ExplainQuestion, type Explanation, explainQuestion, explanation } from './explain-shapes.ts';

/** A refusal where the question cannot be answered; that the request would be refused is an explanation. */
export type Explain = (question: ExplainQuestion) => Promise<Explanation | Refusal>;

export const createExplainCall = (explain: Explain): Endpoint =>
  endpoint({
    method: 'POST',
    path: '/admin/explain',
    operation: 'explain',
    tag: 'Configuration',
    summary: 'Say what would be decided for a request, step by step.',
    description:
      'By the same rules, keys and policies as for a request that a proxy asks about. Nothing is counted, spent or passed on, and no credential is shown.',
    body: explainQuestion,
    maxBodyBytes: 256 * 1024,
    answers: [{ status: 200, description: 'The decision and how it comes about.', shape: explanation }],
    async call({ body }) {
      const explained = await explain(body);
      return isRefusal(explained) ? explained : { status: 200, body: explained };
    },
  });
