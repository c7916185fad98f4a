import type { MessageReader } from './reader.ts';

/** Reads every field of the message that the reader is in. `readField` takes its value, or skips it. */
export const eachField = (reader: MessageReader, readField: (field: number) => void): void => {
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) readField(field);
};

/** The same of the message that is the value of the field just found. */
export const within = (reader: MessageReader, readField: (field: number) => void): void => {
  const outer = reader.enter();
  eachField(reader, readField);
  reader.leave(outer);
};
