// desk/commands.js - what an agent asks for, by name; every command gets one answer, also when nobody answers
import { uniqueId } from "../shared/unique.js";
import { say } from "../shared/words.js";

const ANSWER_WITHIN_MS = 10_000;

/** @typedef {import("../types.js").Answer} Answer */

/**
 * @param {(message: object) => boolean} send
 */
export function makeCommands(send) {
  /** @type {Map<string, {command: object, resolve: (answer: Answer) => void, promise: Promise<Answer>}>} */
  const open = new Map();

  /** @param {Answer & {command_id: string}} answer */
  function answered(answer) {
    open.get(answer.command_id)?.resolve(answer);
    open.delete(answer.command_id);
  }

  return {
    answered,
    /** After a reconnect: what was asked and not answered is asked again; a repeat is harmless. */
    askAgain: () => open.forEach(({ command }) => send(command)),
    /**
     * @param {{kind: string, [field: string]: unknown}} command
     * @param {string} [command_id] given where the same request may be made again later
     * @returns {Promise<Answer>} never rejected
     */
    ask(command, command_id = uniqueId()) {
      const already = open.get(command_id);
      if (already) return already.promise;
      const whole = { ...command, command_id };
      if (!send(whole)) return Promise.resolve({ ok: false, code: "offline", text: say("offline") });
      /** @type {(answer: Answer) => void} */
      let resolve = () => {};
      const promise = new Promise((/** @type {(answer: Answer) => void} */ done) => (resolve = done));
      open.set(command_id, { command: whole, resolve, promise });
      setTimeout(() => answered({ command_id, ok: false, code: "no_answer", text: say("no_answer") }), ANSWER_WITHIN_MS);
      return promise;
    },
  };
}
