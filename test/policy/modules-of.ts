import assert from 'node:assert/strict';
import { createInstance } from '../../src/stores/policy/regorus/instance.ts';
import { type Module, readModules } from '../../src/stores/policy/regorus/syntax.ts';

/** The syntax of policies, by the engine itself. */
export const modulesOf = (policies: readonly string[]): readonly Module[] => {
  const instance = createInstance();
  for (const [index, policy] of policies.entries()) {
    const added = instance.addPolicy(`${index}.rego`, policy);
    assert.equal(added.outcome, 'undefined', JSON.stringify(added));
  }
  const syntax = instance.syntax();
  assert.ok(syntax.outcome === 'value');
  return readModules(syntax.json);
};
