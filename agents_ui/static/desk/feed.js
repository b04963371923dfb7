// desk/feed.js - the connection of a desk or a wall: a ticket for each try, snapshot and changes, beats, sessions that end
import { ask } from "../shared/ask.js";
import { openLink } from "../shared/link.js";
import { clockHeard } from "../shared/time.js";
import { makeCommands } from "./commands.js";
import { makeStore } from "./store.js";

const SILENT_MS = 5000; // the server beats every 2 s: two lost beats and a bit
const DELAYS_MS = [0, 300, 500, 500, 500, 1000, 1000, 1000, 1000, 2000, 4000]; // offers run out: a desk is soon back
const SESSION_OVER = 4401; // close code: the session ended or was revoked
const NOT_SIGNED_IN = [401, 403];

/**
 * @param {object} options
 * @param {string} [options.path]
 * @param {string[]} [options.kinds] the tables of entities that the socket tells of
 * @param {() => void} options.signedOut the session is over; drafts are kept
 * @param {(snapshot: {first: boolean}) => void} options.fresh after each snapshot
 * @param {(message: {interaction_id: string}) => void} [options.typing]
 */
export function openFeed({ path = "/desk/socket", kinds, signedOut, fresh, typing }) {
  const { store, snapshot, apply } = makeStore(kinds);
  let snapshots = 0;
  /** @type {string[] | null} */
  let serves = null; // whose traffic this site serves; null where there is one site alone
  const link = openLink({
    path,
    silentMs: SILENT_MS,
    delaysMs: DELAYS_MS,
    isFinal: (code) => {
      if (code === SESSION_OVER) signedOut();
      return code === SESSION_OVER;
    },
    prepare: async () => {
      const answer = await ask("/api/ticket");
      if (NOT_SIGNED_IN.includes(answer.status)) signedOut();
      if (answer.status !== 200) throw new Error(`no ticket: ${answer.status}`);
      return { kind: "hello", ticket: answer.body.ticket };
    },
    receive,
  });
  const commands = makeCommands(link.send);

  /** @param {any} message any: one of the messages of docs/architecture.md section 6.2 */
  function receive(message) {
    if (message.server_ms) clockHeard(message.server_ms);
    if (message.kind === "beat") serves = message.serves ?? null;
    else if (message.kind === "change") apply(message.changes);
    else if (message.kind === "answer") commands.answered(message);
    else if (message.kind === "typing") typing?.(message);
    else if (message.kind === "snapshot") {
      snapshot(message);
      snapshots += 1;
      commands.askAgain();
      fresh({ first: snapshots === 1 });
    }
  }

  return { store, link, ask: commands.ask, serves: () => serves };
}
