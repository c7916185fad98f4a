/** The other side of `threads.ts`: one instance of the policy, which answers a batch after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PolicyAnswer } from '../../../checks/policy-engine.ts';
import { createEvaluator, type Evaluator, type EvaluatorOptions } from './evaluator.ts';
import { type Batch, type FromThread, monotonicMs, Progress } from './messages.ts';

/** Answers do not wait longer than this for those of the same batch that are not there yet. */
const TELL_AFTER_MS = 1;

const options: EvaluatorOptions & Readonly<{ progress: SharedArrayBuffer }> = workerData;
const progress = new Progress(options.progress);
const tell = (message: FromThread): void => parentPort?.postMessage(message);

const answerBatch = ({ evaluate }: Evaluator, { questions, nowMs }: Batch): void => {
  let answers: (readonly [number, PolicyAnswer])[] = [];
  let toldMs = monotonicMs();
  for (const { id, entrypoint, input } of questions) {
    if (progress.leavesRest) break;
    progress.begin(id);
    answers.push([id, evaluate(entrypoint, input, { nowMs })]);
    if (monotonicMs() - toldMs < TELL_AFTER_MS) continue;
    tell({ answers, isLast: false });
    answers = [];
    toldMs = monotonicMs();
  }
  progress.idle();
  tell({ answers, isLast: true });
};

try {
  const evaluator = createEvaluator(options);
  parentPort?.on('message', (batch: Batch) => answerBatch(evaluator, batch));
  tell({ ready: { entrypoints: evaluator.entrypoints, missing: evaluator.missing } });
} catch (error) {
  tell({ unusable: error instanceof Error ? error.message : String(error) });
}
