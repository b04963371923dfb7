// desk/arming.js - an offer hears no key and no click within 500 ms of its appearance

const ARMED_AFTER_MS = 500; // somebody typing or clicking elsewhere must not take work unread

/**
 * An offer appears anew when it becomes the one that F8 means: a second press of F8, or a second click on the
 * same spot, must not take the next offer as well.
 */
export function makeArming() {
  /** @type {Map<string, number>} */
  const appeared = new Map();
  /** @param {string} offer_id @param {boolean} first */
  const key = (offer_id, first) => `${offer_id} ${first}`;
  return {
    /** Called after the card is painted. @param {string} offer_id @param {boolean} first */
    shown: (offer_id, first) => void appeared.set(key(offer_id, first), performance.now()),
    /** @param {string} offer_id @param {boolean} first */
    gone: (offer_id, first) => void appeared.delete(key(offer_id, first)),
    /** @param {string} offer_id @param {boolean} first */
    armed(offer_id, first) {
      const since = appeared.get(key(offer_id, first));
      return since !== undefined && performance.now() - since >= ARMED_AFTER_MS;
    },
  };
}
