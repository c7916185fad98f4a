/** From what is in the files now to a configuration that could take the place of the one that runs. */
import type { Config } from './config/config.ts';
import { differences, needsRestart } from './config/difference.ts';
import type { LoadedConfig } from './config/load.ts';
import { formatPath, type Path } from './config/path.ts';
import { ConfigError, formatProblem } from './config/problem.ts';
import { type Recording, unpack } from './config/recording.ts';
import { ReloadRefused } from './reload/refused.ts';
import type { Candidate, Prepared } from './reload/reloads.ts';
import type { ReloadCause } from './reload/status.ts';

export type CandidateOptions = Readonly<{
  /** What runs. */
  loaded: LoadedConfig;
  /** Loads the files, or with a recording its text and new secrets. */
  load(recording: Recording | undefined): Promise<LoadedConfig>;
  prepare(loaded: LoadedConfig): Promise<Prepared>;
}>;

export type Candidates = Readonly<{
  read(cause: ReloadCause): Promise<Candidate>;
  /** What runs. */
  current(): LoadedConfig;
}>;

const restart = (path: Path) => ({ path, message: 'differs, and cannot change while the service runs: restart it' });

const MOST_NAMED = 50;

const named = (paths: readonly Path[]): readonly string[] => {
  const names = paths.slice(0, MOST_NAMED).map(formatPath);
  return paths.length > MOST_NAMED ? [...names, `… and ${paths.length - MOST_NAMED} more`] : names;
};

const isEmpty = (recording: Recording): boolean => unpack(recording).text.trim() === '';

export const createCandidates = ({ loaded, load, prepare }: CandidateOptions): Candidates => {
  let current = loaded;

  const loadNext = async (cause: ReloadCause): Promise<LoadedConfig> => {
    try {
      return await load(cause === 'secrets' ? current.recording : undefined);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ReloadRefused(error.problems.map((problem) => ({ message: formatProblem(problem) })));
    }
  };

  /** An editor or a copy that is in the middle of its work must not take every rule away. */
  const refuseWhatIsGone = ({ source, recording }: LoadedConfig): void => {
    const name = (file: string | undefined) => file ?? 'the embedded defaults';
    if (source !== current.source) {
      const message = `${name(current.source)} is in use, and now would be ${name(source)}: restart to change the file`;
      throw new ReloadRefused([{ message }]);
    }
    if (isEmpty(recording) && !isEmpty(current.recording)) {
      throw new ReloadRefused([{ message: `${name(source)}: empty, which it was not before` }]);
    }
  };

  const differ = (after: Config): readonly Path[] => differences(current.config, after);

  return {
    current: () => current,

    async read(cause) {
      const next = await loadNext(cause);
      refuseWhatIsGone(next);
      const paths = differ(next.config);
      return {
        digest: next.digest,
        changed: named(paths),
        needRestart: paths.filter(needsRestart).map(restart),
        prepare: () => prepare(next),
        accepted: () => {
          current = next;
        },
        explain: ({ path, message }) => (path ? formatProblem({ ...next.place(path), message }) : message),
      };
    },
  };
};
