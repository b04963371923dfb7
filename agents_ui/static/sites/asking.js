// sites/asking.js - one act of a page: what it would do, asked before; done once, by an id chosen once
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../shared/ask.js";
import { uniqueId } from "../shared/unique.js";
import { say } from "../shared/words.js";

const AGAIN_MS = 3000;

/** Done at once, and what came of it said. @param {import("../admin/admin.js").Admin} admin @param {object} body with its command_id */
export async function actNow(admin, body) {
  const { status, body: answer } = await ask("/api/admin/sites/act", body);
  const done = status === 200;
  admin.toasts.show(done ? answer.lines.join(" ") || say("do_working") : answer.text || say("no_answer"), done ? "good" : "alarm");
  await admin.look();
  return status;
}

/** @typedef {{lines: string[], refusals: {code: string, text: string, todo: string}[], at_ms: number}} Report */

/**
 * @param {import("../admin/admin.js").Admin} admin
 * @param {Record<string, string | number>} question act and what belongs to it
 */
export function useAct(admin, question) {
  const [report, setReport] = useState(/** @type {Report | null | "none"} */ (null));
  const [working, setWorking] = useState(false);
  const command = useRef(uniqueId());
  const asked = JSON.stringify(question);
  const latest = useRef(asked);
  latest.current = asked;

  async function look() {
    const { status, body } = await ask("/api/admin/sites/dry-run", question);
    if (latest.current !== asked) return; // another question was asked meanwhile
    setReport(status === 200 ? { ...body, at_ms: Date.now() } : "none");
  }
  useEffect(() => void look(), [asked]);
  const waits = report === "none" || (report?.refusals.length ?? 0) > 0; // most of what is in the way goes by itself
  useEffect(() => {
    const again = waits ? setInterval(() => void look(), AGAIN_MS) : 0;
    return () => clearInterval(again);
  }, [waits, asked]);

  /** Do it. The same id again where nobody answered: it is done once. @param {Record<string, string | number | boolean>} more */
  async function act(more) {
    setWorking(true);
    const status = await actNow(admin, { ...question, ...more, command_id: command.current });
    setWorking(false);
    if (status !== 0 && status < 500) command.current = uniqueId();
    await look();
    return status === 200;
  }
  return { report, working, look, act };
}
