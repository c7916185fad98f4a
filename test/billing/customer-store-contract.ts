/** What every store of customers holds to. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Stores } from '../../src/stores/sql/stores.ts';
import { keyRecord } from '../keys/key-record.ts';

export const customerStoreContract = (
  name: string,
  open: (t: TestContext) => Promise<Pick<Stores, 'customers' | 'keys'>>,
  options: { skip?: string | false } = {},
): void => {
  test(`${name}: a user is one customer, until that is changed or taken away`, options, async (t) => {
    const { customers } = await open(t);
    assert.equal(await customers.find('ann'), undefined);
    await customers.put('ann', 'cus_1', 5);
    await customers.put('ann', 'cus_2', 6);
    await customers.put('bob', 'cus_3', 7);
    assert.deepEqual(await customers.find('ann'), { userId: 'ann', customer: 'cus_2', updatedAtMs: 6 });
    assert.deepEqual(
      (await customers.list('', 1)).map(({ userId }) => userId),
      ['ann'],
    );
    assert.deepEqual(
      (await customers.list('ann', 10)).map(({ userId }) => userId),
      ['bob'],
    );
    assert.deepEqual([await customers.remove('ann'), await customers.remove('ann')], [true, false]);
    assert.equal(await customers.find('ann'), undefined);
  });

  test(
    `${name}: a caller is the customer of the key, else of the user, however many are asked for`,
    options,
    async (t) => {
      const { customers, keys } = await open(t);
      await customers.put('ann', 'cus_ann', 1);
      const record = keyRecord('key_own', { customerId: 'cus_key' });
      await keys.insert(record);
      await keys.insert({ ...record, id: 'key_plain', hash: 'another', customerId: undefined });
      const asked = [
        ['key_own', 'ann'],
        ['key_plain', 'ann'],
        ['', 'ann'],
        ['key_x', 'eve'],
        ['', ''],
      ] as const;
      const expected = ['cus_key', 'cus_ann', 'cus_ann', undefined, undefined];
      assert.deepEqual(await customers.ofCallers(asked), expected);
      assert.deepEqual(await customers.ofCallers([]), []);
      const many = Array.from({ length: 50 }, () => asked).flat();
      assert.deepEqual(await customers.ofCallers(many), Array.from({ length: 50 }, () => expected).flat());
    },
  );
};
