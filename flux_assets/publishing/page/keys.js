"use strict";

/** Everything by keyboard; `?` lists the keys, and they can be switched off. */
{
  const { el, find } = sheet.elements;
  const { say } = sheet.language;
  const { selection, deciding } = sheet;

  const LIST = [
    ["← ↑ ↓ →", "keys.move"],
    ["Enter", "keys.open"],
    ["a", "approve", "decide"],
    ["x, 1 … 9", "keys.reject", "decide"],
    ["u", "undo", "decide"],
    ["n", "note", "decide"],
    ["p", "person", "decide"],
    ["Shift + ← ↑ ↓ →", "keys.range", "decide"],
    ["Space", "keys.select", "decide"],
    ["A / X", "keys.all", "decide"],
    ["r", "order", "order"],
    ["o", "look.old"],
    ["b", "look.photo"],
    ["s", "look.shots"],
    ["/", "search"],
    ["[ ]", "pages"],
    ["c", "keys.size"],
    ["Esc", "keys.leave"],
    ["?", "keys"],
  ];

  const areOn = () => sheet.remember("keys") !== "off";

  const show = () => {
    const may = { decide: sheet.roles.mayDecide(), order: sheet.roles.mayOrder() };
    const rows = LIST.filter(([, , need]) => !need || may[need]).flatMap(([key, text]) => [
      el("dt", {}, el("kbd", { text: key })),
      el("dd", { text: say(text) }),
    ]);
    const toggle = el("input", {
      type: "checkbox",
      ".checked": areOn(),
      on: { change: (event) => sheet.remember("keys", event.target.checked ? "on" : "off") },
    });
    return sheet.dialogs.ask({
      title: say("keys"),
      class: "help",
      body: [
        el("dl", { class: "keys" }, ...rows),
        el("label", { class: "choice" }, toggle, el("span", { text: say("keys.on") })),
      ],
      leave: say("close"),
      choices: [],
    });
  };

  const step = (event) => {
    const columns = sheet.grid.columns();
    const screen = Math.max(1, Math.floor(window.innerHeight / 300)) * columns;
    return {
      ...{ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns },
      ...{ PageUp: -screen, PageDown: screen },
      ...{ Home: -sheet.filter.length(), End: sheet.filter.length() },
    }[event.key];
  };

  const move = (by, isRange) => {
    const from = sheet.grid.current();
    const to = Math.max(0, Math.min(from + by, sheet.filter.length() - 1));
    if (isRange && sheet.roles.mayDecide()) selection.extend(to);
    sheet.grid.focus(to);
  };

  /** Decide on the selection, else on the current picture, and go on to the next. */
  const decide = async (act) => {
    if (selection.count()) return act(selection.rows());
    const place = sheet.grid.current();
    const isDone = await act(selection.target());
    if (isDone) sheet.grid.focus(place + 1);
    return undefined;
  };

  const openWith = (compare) => {
    const row = sheet.grid.currentRow();
    if (row >= 0) sheet.details.show(row, { compare });
  };

  const turn = (by) => {
    const page = sheet.address.state.page + by;
    if (page >= 1 && page <= sheet.grid.pages()) sheet.address.change({ page });
  };

  const EVERYWHERE = {
    "?": show,
    u: () => deciding.undo(),
  };

  const IN_SHEET = {
    Enter: () => openWith(""),
    " ": () => sheet.roles.mayDecide() && selection.toggle(sheet.grid.current()),
    a: () => decide(deciding.approve),
    A: () => decide(deciding.approve),
    x: () => decide(deciding.reject),
    X: () => decide(deciding.reject),
    p: () => deciding.markPerson(selection.target()),
    n: () => deciding.writeNote(selection.target().slice(0, 1)),
    r: () => sheet.ordering.open(selection.target()),
    o: () => openWith("old"),
    b: () => openWith("photo"),
    s: () => openWith("shots"),
    c: () => sheet.bar.resize(sheet.bar.isLarge() ? "compact" : "large"),
    "/": () => find("words").focus(),
    "[": () => turn(-1),
    "]": () => turn(1),
    Escape: () => (sheet.panel.isOpen() ? sheet.panel.open(false) : selection.clear()),
  };

  const IN_DETAILS = {
    ArrowLeft: () => sheet.details.move(-1),
    ArrowRight: () => sheet.details.move(1),
    a: () => sheet.details.actAndGo(deciding.approve),
    x: () => sheet.details.actAndGo(deciding.reject),
    p: () => sheet.details.act(deciding.markPerson),
    n: () => sheet.details.act(deciding.writeNote),
    r: () => sheet.ordering.open([sheet.details.row()]),
    o: () => sheet.details.look("old"),
    b: () => sheet.details.look("photo"),
    s: () => sheet.details.look("shots"),
  };

  const isTyping = (element) =>
    element.matches("textarea, select, [type=search], [type=text], [type=number], [type=date]");

  const takesArrows = (element) => element.matches("[type=range], [type=radio]");

  const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

  /** A key means the sheet where the focus is in it, or nowhere. */
  const inSheet = (target) => target === document.body || target.closest("#grid, #main, #actions");

  const press = (event) => {
    const { key, target } = event;
    if (!isPlain(event) || !sheet.data.head) return;
    if (isTyping(target)) {
      if (key === "Escape" && target.id === "words") sheet.grid.focus(sheet.grid.current());
      return;
    }
    const isDetails = sheet.details.isOpen();
    const isSheet = !isDetails && sheet.address.state.view === "pictures";
    const by = isSheet && step(event);
    if (by && inSheet(target) && !takesArrows(target)) {
      event.preventDefault();
      move(by, event.shiftKey);
      return;
    }
    if (key.length === 1 && key !== " " && !areOn() && key !== "?") return;
    const isButton = target.closest("button, a, input, summary") && ["Enter", " "].includes(key);
    if (isButton || (isDetails && takesArrows(target) && key.startsWith("Arrow"))) return;
    const own = isDetails ? IN_DETAILS : isSheet ? IN_SHEET : {};
    const act = own[key] ?? EVERYWHERE[key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  document.addEventListener("keydown", press);
  sheet.keys = { show };
}
