"use strict";

/** One card of the sheet: made once, then painted with whatever picture comes to its place. */
{
  const { el, icon, button } = sheet.elements;
  const { say, sayName, number } = sheet.language;
  const UNKNOWN = 255;
  const parts = new WeakMap();

  const placeOf = (event) => Number(event.target.closest("[data-place]").dataset.place);
  const rowOf = (event) => sheet.filter.at(placeOf(event));

  /** A button that acts on one picture; only those of the current card are in the tab order. */
  const act = (name, label, press) =>
    button({
      icon: name,
      class: `act ${name}`,
      label,
      press: (event) => press(rowOf(event), event),
    });

  const makeButtons = (of) => {
    if (!sheet.roles.mayDecide()) return null;
    of.yes = act("yes", say("approve"), (row) => sheet.deciding.approve([row]));
    of.no = act("no", say("reject"), (row) => sheet.deciding.reject([row]));
    of.select = el("input", {
      type: "checkbox",
      class: "select",
      tabindex: -1,
      on: { click: (event) => sheet.selection.click(placeOf(event), event) },
    });
    return el("div", { class: "buttons" }, of.yes, of.no);
  };

  /** An empty card. */
  const make = () => {
    const of = {
      image: el("img", { alt: "", decoding: "async", draggable: "false" }),
      marks: el("div", { class: "marks" }),
      state: el("div", { class: "state" }),
      title: el("div", { class: "title" }),
      under: el("div", { class: "under" }),
    };
    const buttons = makeButtons(of);
    of.image.addEventListener("error", () => of.picture.classList.add("missing"));
    of.picture = el("div", { class: "picture" }, of.image, of.marks, of.state, of.select);
    const card = el(
      "div",
      { role: "gridcell", class: "card", tabindex: -1 },
      of.picture,
      of.title,
      of.under,
      buttons,
    );
    parts.set(card, of);
    return card;
  };

  const mark = (kind, sign, text) =>
    el("span", { class: `mark ${kind}` }, icon(sign), el("span", { text }));

  const buildMarks = (row) => {
    const blocked = sheet.data.channelsWith("block", row);
    const warned = sheet.data.channelsWith("warn", row);
    const marks = [];
    const named = (channels) =>
      channels.length > 2 ? say("channels", { count: channels.length }) : channels.join(", ");
    if (blocked.length) marks.push(mark("block", "block", named(blocked)));
    else if (warned.length) marks.push(mark("warn", "warn", named(warned)));
    if (sheet.data.word("shown", row) === "waiting")
      marks.push(mark("plain", "clock", say("shown.waiting")));
    if (sheet.data.row(row).stale) marks.push(mark("plain", "again", say("stale")));
    return marks;
  };

  /** What was decided, in words: colour alone tells nobody enough. */
  const buildState = (row) => {
    const { verdict, reasons, person } = sheet.data.decision(row);
    const saving = sheet.saving.stateOf(row);
    const state = [];
    if (person) state.push(mark("person", "person", say("person.short")));
    if (saving) state.push(mark(saving, "clock", say(`saving.${saving}`)));
    if (verdict === "approved") state.push(mark("approved", "yes", say("decision.approved")));
    if (verdict === "rejected") {
      const why = reasons.length ? sayName("reason", reasons[0]) : say("decision.rejected");
      state.push(mark("rejected", "no", why));
    }
    return state;
  };

  /** How well the product is recognised, where the reader asks about that. */
  const scoreOf = (row) => {
    const { sort, below } = sheet.address.state;
    const score = sheet.data.columns?.score?.[row] ?? UNKNOWN;
    return (sort === "score" || below) && score !== UNKNOWN ? `${number(score)} %` : "";
  };

  const paintButtons = (of, row, verdict, isCurrent) => {
    if (!of.yes) return;
    const { title } = sheet.data.row(row);
    const named = (key) => `${say(key)}: ${title}`;
    of.yes.setAttribute("aria-pressed", String(verdict === "approved"));
    of.no.setAttribute("aria-pressed", String(verdict === "rejected"));
    of.yes.setAttribute("aria-label", named("approve"));
    of.no.setAttribute("aria-label", named("reject"));
    of.select.setAttribute("aria-label", named("select"));
    of.select.checked = sheet.selection.has(row);
    for (const part of [of.yes, of.no, of.select]) part.tabIndex = isCurrent ? 0 : -1;
  };

  /**
   * Show a row's picture on a card.
   * @param {HTMLElement} card
   * @param {number} place where it stands in what is shown
   * @param {boolean} isCurrent whether the keyboard's focus belongs to it
   */
  const paint = (card, place, isCurrent) => {
    const of = parts.get(card);
    const row = sheet.filter.at(place);
    const picture = sheet.data.row(row);
    card.dataset.place = place;
    card.dataset.row = row;
    card.tabIndex = isCurrent ? 0 : -1;
    card.classList.toggle("loading", !picture);
    if (!picture) return;
    const { verdict } = sheet.data.decision(row);
    card.dataset.verdict = verdict;
    card.setAttribute("aria-selected", String(sheet.selection.has(row)));
    if (of.image.getAttribute("src") !== picture.thumb) {
      of.picture.classList.remove("missing");
      of.image.src = picture.thumb;
    }
    of.image.alt = `${picture.title}, ${picture.shot}`;
    of.title.textContent = picture.title;
    of.title.title = picture.title;
    const under = [scoreOf(row), picture.shot, picture.product].filter(Boolean).join(" · ");
    of.under.textContent = under;
    of.under.title = under;
    of.marks.replaceChildren(...buildMarks(row));
    of.state.replaceChildren(...buildState(row));
    paintButtons(of, row, verdict, isCurrent);
  };

  sheet.card = { make, paint };
}
