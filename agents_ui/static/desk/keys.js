// desk/keys.js - the desk's keys, in one table: what the page listens to is what the overlay shows
import { effect, signal } from "@preact/signals";

/** Which panel is open over the conversation: transfer, urgency, call-back, end, digits, forward, keys, sign-out, or none. */
export const panel = signal("");

/** On a Mac, Option alone writes letters (Option+E is ´): there it takes Control as well. */
const IS_MAC = /Mac/.test(navigator.platform);
export const WITH = IS_MAC ? "Ctrl+⌥" : "Alt";

/** Keys shown by the overlay, with the words that explain them. */
export const KEYS = [
  ["F8", "key_accept"],
  ["F9", "key_decline"],
  [`${WITH}+1 … 9`, "key_number"],
  [`${WITH}+↑ / ↓`, "key_next"],
  [`${WITH}+R`, "key_reply"],
  ["Enter", "key_send"],
  ["Shift+Enter", "key_line"],
  [`${WITH}+E`, "key_end"],
  [`${WITH}+T`, "key_transfer"],
  [`${WITH}+U`, "key_urgency"],
  [`${WITH}+B`, "key_call_back"],
  [`${WITH}+C`, "key_person"],
  [`${WITH}+P`, "key_presence"],
  [`${WITH}+M`, "key_mute"],
  [`${WITH}+K`, "key_microphone"],
  [`${WITH}+H`, "key_hold"],
  [`${WITH}+N`, "key_digits"],
  [`${WITH}+G`, "key_forward"],
  [`${WITH}+L`, "key_dial"],
  ["Esc", "key_escape"],
  ["?", "key_keys"],
];

/**
 * @param {import("./desk.js").Desk} desk
 * @param {ReturnType<typeof import("./arming.js").makeArming>} arming
 * @returns {() => void} stops listening
 */
export function listenToKeys(desk, arming) {
  /** @type {Record<string, () => void>} */
  const withAlt = {
    ArrowUp: () => desk.attention.move(-1),
    ArrowDown: () => desk.attention.move(1),
    KeyR: () => focusOn(".reply textarea, .wrap-up input"),
    KeyE: () => open("end"),
    KeyT: () => open("transfer"),
    KeyU: () => open("urgency"),
    KeyB: () => open("call-back"),
    KeyC: () => ((desk.attention.view.value = "customer"), requestAnimationFrame(() => focusOn(".customer :is(.person-name, .history) :is(button, input)"))),
    KeyP: () => focusOn(".presence button"),
    KeyM: () => desk.sound.toggle(),
    KeyK: () => desk.calls.value?.mute(),
    KeyH: () => withCall((calls, call) => calls.hold(call)),
    KeyN: () => withCall((_, call) => call.can.dtmf && open("digits")),
    KeyG: () => withCall((_, call) => call.can.forward && open("forward")),
    KeyL: () => withCall((calls, call) => call.can.dial && calls.dial(call.interaction_id)),
  };

  /** @param {string} name */
  function open(name) {
    if (desk.attention.shown.value) panel.value = panel.value === name ? "" : name;
  }

  /** @param {(calls: import("../call/desk-calls.js").Calls, call: import("./call-types.js").Call) => void} act */
  function withCall(act) {
    const call = desk.store.call.value.get(desk.attention.shown.value);
    if (call && desk.calls.value) act(desk.calls.value, call);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was ours */
  function take(event) {
    if (event.code === "F8" || event.code === "F9") return answer(event);
    if (event.altKey && event.ctrlKey === IS_MAC && !event.metaKey) return takeWithAlt(event.code);
    if (event.key === "?" && !isField(event.target)) return (panel.value = panel.value === "keys" ? "" : "keys"), true;
    return false;
  }

  /** @param {KeyboardEvent} event */
  function answer(event) {
    const offer = desk.offers.value[0];
    // repeat: the key was already down when the offer came
    if (!offer || event.repeat || !arming.armed(offer.offer_id, true)) return true;
    if (desk.pressed.value === offer.offer_id) return true;
    if (event.code === "F8") desk.accept(offer);
    else desk.decline(offer);
    return true;
  }

  /** @param {string} code */
  function takeWithAlt(code) {
    const digit = /^Digit([1-9])$/.exec(code);
    const id = digit && [...desk.store.conversation.value.keys()][Number(digit[1]) - 1];
    if (id) desk.attention.choose(id);
    else if (withAlt[code]) withAlt[code]();
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  const pressed = (event) => take(event) && event.preventDefault();
  addEventListener("keydown", pressed);
  // A panel asks about one conversation: "End it" must never come to mean the next one.
  const forget = effect(() => void (desk.attention.shown.value, panel.value = ""));
  return () => {
    removeEventListener("keydown", pressed);
    forget();
  };
}

/** @param {EventTarget | null} target */
const isField = (target) => target instanceof Element && target.matches("input, textarea, select");

/** @param {string} selector */
export function focusOn(selector) {
  const found = document.querySelector(selector);
  if (found instanceof HTMLElement) found.focus();
}
