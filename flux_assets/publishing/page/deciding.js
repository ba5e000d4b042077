"use strict";

/** Yes, no, a note, a person in the picture, and taking it back; for one picture or for many. */
{
  const MANY = 50;
  const { el, button } = sheet.elements;
  const { say, sayName } = sheet.language;
  const { data } = sheet;
  const undos = [];
  let stopped = false;

  const confirmMany = (rows, verb) => {
    if (rows.length === 1 || (rows.length < MANY && !sheet.selection.isAll())) return true;
    const text = say(`many.${verb}.go`, { count: rows.length });
    return sheet.dialogs.ask({
      title: say(`many.${verb}`, { count: rows.length }),
      body: [el("p", { text: say("many.undo") })],
      choices: [{ text, class: verb === "reject" ? "danger" : "strong", value: () => true }],
    });
  };

  /** Change rows one by one, as they are loaded; all of it is one step to undo. */
  const apply = async (rows, changeOf) => {
    const step = [];
    stopped = false;
    undos.push(step);
    for (const [at, row] of [...rows].sort((one, other) => one - other).entries()) {
      if (stopped) break;
      if (!data.row(row)) {
        sheet.tell("working", { done: at, count: rows.length });
        await sheet.saving.whenFew();
        await data.loadRow(row);
      }
      const before = data.decision(row);
      step.push({ row, before });
      sheet.saving.decide(row, changeOf(before, row));
    }
    sheet.tell("working", null);
    return step.length;
  };

  const decide = async (rows, change, verb, values = {}) => {
    if (!sheet.roles.mayDecide() || !rows.length) return false;
    if (!(await confirmMany(rows, verb))) return false;
    const isOne = rows.length === 1;
    try {
      const count = await apply(rows, change);
      if (!isOne) sheet.selection.clear();
      announce(
        isOne
          ? say(`did.${verb}`, { title: data.row(rows[0]).title, ...values })
          : say(`did.${verb}.many`, { count, ...values }),
      );
    } catch (error) {
      sheet.dialogs.tell(error.message);
      return false;
    }
    return true;
  };

  const announce = (text) => sheet.dialogs.tell(text, { text: say("undo"), press: undo });

  const approve = (rows) => decide(rows, () => ({ verdict: "approved", reasons: [] }), "approve");

  /** Ask for the reason, then reject; a digit answers at once. */
  const reject = async (rows) => {
    if (!sheet.roles.mayDecide() || !rows.length) return false;
    const chosen = await askReason(rows);
    if (!chosen) return false;
    const change = (before) => ({
      verdict: "rejected",
      reasons: chosen.reason ? [chosen.reason] : [],
      note: chosen.note || before.note,
    });
    return decide(rows, change, "reject");
  };

  const askReason = async (rows) => {
    const reasons = data.head.reasons ?? [];
    const note = el("textarea", { rows: 2, maxlength: 2000 });
    const title =
      rows.length === 1
        ? say("reject.one", { title: (await data.loadRow(rows[0])).title })
        : say("reject.many", { count: rows.length });
    let closeWith = () => {};
    const list = reasons.map((reason, at) =>
      button({
        class: "reason",
        text: sayName("reason", reason),
        key: at < 9 ? String(at + 1) : undefined,
        press: () => closeWith({ reason, note: note.value }),
      }),
    );
    list[0]?.setAttribute("data-first", "");
    const hint = el("p", { class: "hint", text: say("reject.hint") });
    return sheet.dialogs.ask({
      title,
      class: "reasons",
      body: [hint, el("div", { class: "list" }, ...list), sheet.dialogs.field(say("note"), note)],
      choices: [
        {
          text: say("reject.plain"),
          class: "danger",
          value: () => ({ reason: "", note: note.value }),
        },
      ],
      open: (close) => (closeWith = close),
      keys: (event, close) => {
        const reason = reasons[Number(event.key) - 1];
        if (event.target === note || !reason) return;
        event.preventDefault();
        close({ reason, note: note.value });
      },
    });
  };

  const undecide = (rows) =>
    decide(rows, () => ({ verdict: "undecided", reasons: [] }), "undecide");

  /** Say that it shows a person, or take that back. */
  const markPerson = async (rows) => {
    if (!rows.length) return false;
    await data.loadRow(rows[0]);
    const isShown = !data.decision(rows[0]).person;
    return decide(rows, () => ({ person: isShown }), isShown ? "person" : "nobody");
  };

  /** Write the first picture's note. */
  const writeNote = async ([row]) => {
    if (!sheet.roles.mayDecide() || row === undefined) return;
    const { title } = await data.loadRow(row);
    const text = el("textarea", { rows: 5, maxlength: 2000, "data-first": true });
    text.value = data.decision(row).note ?? "";
    const answer = await sheet.dialogs.ask({
      title: say("note.of", { title }),
      body: [sheet.dialogs.field(say("note"), text)],
      choices: [{ text: say("note.keep"), value: () => text.value }],
    });
    if (answer !== null) await decide([row], () => ({ note: answer }), "note");
  };

  /** Take back the last step. */
  const undo = async () => {
    const step = undos.pop();
    if (!step?.length) return sheet.dialogs.tell(say("undo.nothing"));
    for (const { row, before } of step) {
      await data.loadRow(row);
      const { verdict, reasons, note, person } = before;
      sheet.saving.decide(row, { verdict, reasons, note, person });
    }
    sheet.dialogs.tell(say("undo.done", { count: step.length }));
  };

  sheet.deciding = {
    ...{ approve, reject, undecide, markPerson, writeNote, undo },
    stop: () => (stopped = true),
  };
}
