// call/digits.js - keys of the telephone on their way: in the order they were pressed, whatever the line does

/**
 * Commands of one page are carried out beside each other, so only one is under way; what is pressed meanwhile goes together.
 * @param {(interaction_id: string, digits: string) => Promise<unknown>} send
 */
export function makeDigits(send) {
  let waiting = "";
  let under_way = false;
  /** @param {string} interaction_id @param {string} digit */
  return async function press(interaction_id, digit) {
    waiting += digit;
    if (under_way) return;
    under_way = true;
    while (waiting) {
      const digits = waiting;
      waiting = "";
      await send(interaction_id, digits);
    }
    under_way = false;
  };
}
