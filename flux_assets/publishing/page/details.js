"use strict";

/** One picture large, with all that is known of it; the address names it, so it can be sent. */
{
  const { el, button, fill, find } = sheet.elements;
  const { say } = sheet.language;
  const { state, change } = sheet.address;
  const { data } = sheet;
  const known = new Map();
  const dialog = find("details");
  let row = -1;
  let rows = [];
  let take = null;
  let wasPushed = false;

  const more = () => known.get(data.row(row)?.fingerprint) ?? null;

  const askMore = async (of) => {
    const { fingerprint } = data.row(of);
    if (!sheet.page.live || known.has(fingerprint)) return;
    try {
      known.set(fingerprint, await sheet.api.get(`/picture/${fingerprint}`));
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  /** What was decided since is not in what the server said before. */
  const forget = (of) => known.delete(data.row(of)?.fingerprint);

  /**
   * Show a row's picture.
   * @param {number} of
   * @param {object} [changes] further changes of the address, as `compare`
   */
  const show = async (of, changes = {}) => {
    const { product, shot } = await data.loadRow(of);
    const isOpen = dialog.open;
    wasPushed ||= !isOpen;
    row = of;
    change({ product, shot, ...changes }, { replace: isOpen });
  };

  const close = () => {
    const isBack = wasPushed;
    wasPushed = false;
    if (isBack) history.back();
    else change({ product: "", shot: "", compare: "" }, { replace: true });
  };

  const isShown = () =>
    row >= 0 &&
    data.row(row)?.product === state.product &&
    (!state.shot || data.row(row).shot === state.shot);

  /** Follow the address. */
  const follow = async () => {
    if (!state.product) return hide();
    try {
      if (!isShown()) row = await data.find(state.product, state.shot);
    } catch {
      row = -1;
    }
    if (row < 0) {
      sheet.dialogs.tell(say("gone", { product: state.product }));
      return change({ product: "", shot: "", compare: "" }, { replace: true });
    }
    const shown = row;
    if (rows.indexOf(row) < 0) {
      take = null;
      rows = [row];
    }
    if (!dialog.open) {
      dialog.showModal();
      dialog.focus();
    }
    paint();
    dialog.querySelector(".facts").scrollTop = 0;
    [rows] = await Promise.all([data.rowsOfProduct(shown), askMore(shown)]);
    if (shown === row && dialog.open) paint();
    return undefined;
  };

  const hide = () => {
    if (!dialog.open) return;
    dialog.close();
    const place = sheet.filter.placeOf(row);
    row = -1;
    wasPushed = false;
    if (place >= 0) sheet.grid.focus(place);
  };

  const place = () => sheet.filter.placeOf(row);

  /** Go to the picture before or after this one in what the sheet shows. */
  const move = (by) => {
    const next = place() + by;
    if (place() < 0 || next < 0 || next >= sheet.filter.length()) return;
    sheet.grid.focus(next, { isQuiet: true });
    show(sheet.filter.at(next));
  };

  /** Do something with the picture. */
  const act = async (deed) => {
    const of = row;
    const isDone = await deed([of]);
    forget(of);
    if (row === of) paint();
    return isDone;
  };

  /** Decide, then go on to the next. */
  const actAndGo = async (deed) => {
    const of = row;
    if ((await act(deed)) && row === of) move(1);
  };

  const buildModes = () => {
    const possible = sheet.compare.modes(data.row(row), more(), rows);
    const shown = possible[state.compare] ? state.compare : "";
    const keys = { "": undefined, old: "o", photo: "b", shots: "s" };
    return el(
      "div",
      { class: "modes", role: "group", "aria-label": say("look") },
      ...Object.entries(possible).map(([mode, isThere]) =>
        button({
          ...{ text: say(`look.${mode || "picture"}`), key: keys[mode], class: "quiet" },
          ...{ pressed: mode === shown, disabled: !isThere },
          press: () => look(mode),
        }),
      ),
    );
  };

  /** Choose what it is held beside; the next pictures are looked at alike, where that is there. */
  const look = (mode) => change({ compare: state.compare === mode ? "" : mode }, { replace: true });

  const buildHead = () => {
    const picture = data.row(row);
    const at = place();
    const text = at < 0 ? "" : say("place", { at: at + 1, count: sheet.filter.length() });
    return el(
      "header",
      {},
      el(
        "div",
        {},
        el("h2", { text: picture.title }),
        el("p", { class: "source", text: `${picture.product} · ${picture.shot}` }),
      ),
      el("span", { class: "place", text }),
      button({
        icon: "left",
        label: say("previous"),
        key: "←",
        class: "quiet",
        disabled: at < 1,
        press: () => move(-1),
      }),
      button({
        icon: "right",
        label: say("next"),
        key: "→",
        class: "quiet",
        disabled: at < 0 || at + 1 >= sheet.filter.length(),
        press: () => move(1),
      }),
      button({ icon: "no", label: say("close"), key: "Esc", class: "quiet", press: close }),
    );
  };

  const choose = (chosen) => {
    take = chosen;
    if (!chosen.current) change({ compare: "old" }, { replace: true });
    paint();
  };

  const paint = () => {
    if (row < 0 || !data.row(row)) return;
    const stage = sheet.compare.build({ row, more: more(), rows, mode: state.compare, take });
    const facts = el("div", {
      class: "facts",
      tabindex: 0,
      role: "region",
      "aria-label": say("facts"),
    });
    const scrolled = dialog.querySelector(".facts")?.scrollTop ?? 0;
    facts.append(
      el("div", { class: "decided" }, buildDecision()),
      ...sheet.facts.build(row, more(), take, choose),
    );
    fill(dialog, buildHead(), el("div", { class: "stage" }, stage, buildModes()), facts);
    facts.scrollTop = scrolled;
    if (!dialog.contains(document.activeElement)) dialog.focus();
  };

  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  sheet.listen("details", follow);
  sheet.listen("saving", () => dialog.open && paintDecision());

  const buildDecision = () => sheet.decision.build({ row, take, act, actAndGo });

  const paintDecision = () => fill(dialog.querySelector(".decided"), buildDecision());

  sheet.details = {
    ...{ show, close, move, look, paint, act, actAndGo },
    isOpen: () => dialog.open,
    row: () => row,
  };
}
