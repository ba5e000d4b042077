"use strict";

/**
 * Decisions on their way to the store: sent in batches within a second, kept and sent again while
 * the server is away, and never over somebody else's.
 */
{
  const WITHIN_MS = 400;
  const MOST = 500;
  const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
  const { data } = sheet;
  const wanted = new Map();
  const conflicts = new Map();
  let timer = null;
  let isSending = false;
  let failures = 0;
  let trouble = null;

  const schedule = (wait) => {
    if (timer) return;
    timer = setTimeout(send, wait);
  };

  /**
   * Decide on a row; it shows at once.
   * @param {number} row one that is loaded
   * @param {{verdict?: string, reasons?: string[], note?: string|null, person?: boolean|null}} change
   */
  const decide = (row, change) => {
    const { fingerprint, sha256 } = data.row(row);
    const by = data.head.user.name;
    const decision = { ...data.decision(row), ...change, by, at: new Date().toISOString() };
    conflicts.delete(row);
    data.setDecision(row, decision);
    wanted.set(row, { ...decision, fingerprint, sha256 });
    if (!trouble) schedule(WITHIN_MS);
    sheet.tell("saving");
  };

  const toPlain = ({ fingerprint, sha256, revision, verdict, reasons, note, person }) => ({
    ...{ fingerprint, sha256, revision, verdict, reasons },
    ...{ note: note || null, shows_person: person ?? null },
  });

  const send = async () => {
    timer = null;
    if (isSending || !wanted.size) return;
    const batch = new Map([...wanted].slice(0, MOST));
    isSending = true;
    try {
      const answer = await sheet.api.post("/api/decisions", {
        decisions: [...batch.values()].map(toPlain),
      });
      take(batch, answer.items);
    } catch (error) {
      fail(error.message, error.status);
    }
    isSending = false;
    if (wanted.size && !trouble) schedule(WITHIN_MS);
    sheet.tell("saving");
  };

  const take = (batch, items) => {
    const answers = new Map(items.map((item) => [item.fingerprint, item]));
    let problem = null;
    for (const [row, sent] of batch) {
      const item = answers.get(sent.fingerprint) ?? { status: "failed" };
      if (item.status === "applied" || isOwn(item, sent)) settle(row, sent, item.revision);
      else if (item.status === "conflict") yieldTo(row, item);
      else if (item.status === "unknown") giveUp(row);
      else problem = item.error ?? sheet.language.say("server.away");
    }
    if (problem) return fail(problem, 503);
    failures = 0;
    trouble = null;
    if (conflicts.size) sheet.tell("conflicts");
  };

  /** Whether a conflict is only the answer that got lost when this very decision was sent before. */
  const isOwn = ({ status, other }, sent) =>
    status === "conflict" &&
    other?.by === sent.by &&
    other.verdict === sent.verdict &&
    (other.note || "") === (sent.note || "") &&
    String(other.reasons) === String(sent.reasons);

  /** The store has it; what was decided since goes on, upon the new revision. */
  const settle = (row, sent, revision) => {
    const newest = wanted.get(row);
    if (newest === sent) wanted.delete(row);
    else wanted.set(row, { ...newest, revision });
    data.setDecision(row, { ...data.decision(row), revision });
  };

  /** Somebody's decision holds, or none does any more. */
  const yieldTo = (row, { other, revision }) => {
    const theirs = other ?? { verdict: "undecided", reasons: [], note: null, by: null, at: null };
    const { shows_person: person = null, ...said } = theirs;
    conflicts.set(row, { mine: wanted.get(row), theirs });
    wanted.delete(row);
    data.setDecision(row, { ...said, person, revision });
  };

  const giveUp = (row) => {
    wanted.delete(row);
    data.setDecision(row, { ...data.decision(row), verdict: "undecided", reasons: [] });
    sheet.dialogs.tell(sheet.language.say("saving.gone", { title: data.row(row)?.title ?? "" }));
  };

  /** Keep all, and try again by oneself where waiting may help. */
  const fail = (message, status) => {
    const isPassing = status === 0 || status >= 500 || status === 429;
    trouble = { message, isAway: status === 0, isPassing };
    if (isPassing) {
      schedule(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
      failures += 1;
    }
  };

  const retry = () => {
    clearTimeout(timer);
    timer = null;
    trouble = null;
    send();
  };

  /** Take one's own decision after all, over the one that came first. */
  const insist = (row) => {
    const { verdict, reasons, note, person } = conflicts.get(row).mine;
    decide(row, { verdict, reasons, note, person });
  };

  const resolve = (row) => {
    conflicts.delete(row);
    sheet.tell("saving");
  };

  window.addEventListener("online", () => trouble && retry());
  window.addEventListener("beforeunload", (event) => {
    if (wanted.size) event.preventDefault();
  });

  sheet.saving = {
    ...{ decide, retry, insist, resolve, conflicts },
    count: () => wanted.size,
    trouble: () => trouble,
    /** `conflict`, `unsaved`, or empty where the store has all. */
    stateOf: (row) => (conflicts.has(row) ? "conflict" : wanted.has(row) ? "unsaved" : ""),
    /** Wait until only few are on their way, so that a long batch does not fill the memory. */
    whenFew: async () => {
      while (wanted.size > 4 * MOST) await new Promise((go) => setTimeout(go, WITHIN_MS));
    },
  };
}
